// What the documentation shows of apps. It compiles where SwiftUI and UIKit are:
// not verified on Linux.
import WildThing

#if canImport(SwiftUI)
import SwiftUI

@available(iOS 17, macOS 14, *)
struct HouseView: View {
    @State var model: HouseModel

    var body: some View {
        List(model.rooms) { room in
            Section(room.name) {
                ForEach(model.devices(in: room)) { Text($0.name) }
            }
        }
        .task { await model.run() }
    }
}

@available(iOS 17, macOS 14, *)
@MainActor
struct Switch: View {
    let model: HouseModel
    let lamp: Device

    var body: some View {
        Button("On") {
            model.perform { try await $0.updateState(of: lamp.id, merging: ["power": "on"]) }
        }
    }
}
#endif

#if canImport(UIKit) && canImport(BackgroundTasks) && !os(watchOS)
import BackgroundTasks
import UIKit

let refreshIdentifier = "com.example.home.refresh"

@MainActor
func pauseWithTheApp(_ client: WildThingClient) -> AppLifecycle {
    let lifecycle = AppLifecycle(pausing: client)
    return lifecycle
}

func registerRefresh(of client: WildThingClient) {
    BGTaskScheduler.shared.register(forTaskWithIdentifier: refreshIdentifier, using: nil) { task in
        scheduleRefresh()
        // It may be told of its end from any thread.
        nonisolated(unsafe) let task = task
        let refresh = Task {
            var isDone = false
            do {
                try await client.resume()
                try await client.sync()
                isDone = true
            } catch {
                print("not refreshed: \(error.localizedDescription)")
            }
            // First, since the app may be suspended as soon as the task is completed.
            // It is carried out even if this task was cancelled.
            do {
                try await client.pause()
            } catch {
                isDone = false
                print("not paused: \(error.localizedDescription)")
            }
            task.setTaskCompleted(success: isDone)
        }
        // The system wants its time back: the sync ends with its task.
        task.expirationHandler = { refresh.cancel() }
    }
}

func scheduleRefresh() {
    let request = BGAppRefreshTaskRequest(identifier: refreshIdentifier)
    request.earliestBeginDate = Date(timeIntervalSinceNow: 15 * 60)
    try? BGTaskScheduler.shared.submit(request)
}
#endif
