// The stage, which only a library for tests has. It is the module's own, so that
// this file alone sees more than apps do; the others import what is public.
@testable import WildThing

/// A scenario being played: gives one order after the other, and takes what came of each.
/// Its calls block.
struct Stage: Sendable {
    private let core: CoreConformanceStage

    /// Sets the stage for a scenario's file, with what it needs in `folder`, which is emptied.
    init(scenario: String, folder: String) throws {
        core = try CoreConformanceStage(scenario: scenario, folder: folder)
    }

    /// The next order as JSON; `nil` at the end.
    func nextOrder() throws -> String? { try core.nextOrder() }

    /// What came of it, as JSON.
    func done(_ answer: String) throws { try core.done(answer: answer) }

    /// What happened up to now, a line of JSON each.
    var transcript: String { core.transcript() }
}

extension StageError: CustomStringConvertible {
    /// What went wrong, as the stage of Rust says it.
    public var description: String {
        switch self {
        case .Scenario(let file, let at, let problem): "\(file): \(at): \(problem)"
        case .Unexpected(let step, let problem): "step \(step): \(problem)"
        case .Stuck(let step, let what): "step \(step): waited in vain for \(what)"
        case .Runner(let problem): "runner: \(problem)"
        case .Broken(let problem): "stage: \(problem)"
        }
    }
}
