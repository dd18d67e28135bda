import HarnessSupport
import Testing
import WildThing

@Test func aHouseIsBuiltOffline() async throws {
    let folder = try temporaryFolder()
    let client = try await WildThingClient.open(at: folder.appendingPathComponent("home.db"))
    let house = try await client.createHouse(NewHouse(name: "Häuschen 🏡", settings: ["big": [1, nil, 2.5]]))
    #expect(try await client.fetchHouses() == [house])
    await client.shutdown()
}
