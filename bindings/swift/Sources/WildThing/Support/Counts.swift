// Counts: Swift's are `Int`, the core's have no sign.

extension Int {
    /// The count, unless it is less than nothing: that is told, and not taken for 0.
    func counted(as field: String) throws -> Int {
        guard self >= 0 else {
            throw WildThingError.invalid(field: field, problem: "\(self) is less than nothing")
        }
        return self
    }
}
