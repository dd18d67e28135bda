// Starts hubs for tests that can't, such as those on a simulator: its first line
// tells where it is, for WILDTHING_HUBS. WILDTHING_HUB names the hub's program. It
// goes on until its input ends, and ends its hubs then.
#if os(macOS) || os(Linux)
import Foundation
import HarnessSupport

let server = try HubServer()
// Told at once, whoever reads it: `print` keeps what goes into a file.
FileHandle.standardOutput.write(Data("\(server.url)\n".utf8))
while readLine() != nil {}
try server.removeAll()
#endif
