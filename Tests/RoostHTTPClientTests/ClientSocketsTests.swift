import Glibc
import Testing

@testable import RoostHTTPClient

@Suite struct ClientSocketsTests {
    @Test func `a socket takes what it has room for, whatever the system says`() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        ClientSockets().add(descriptor)
        var most: CInt = -1
        var size = socklen_t(MemoryLayout<CInt>.size)
        try #require(
            unsafe getsockopt(
                descriptor, CInt(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &most, &size) == 0)
        #expect(most == (CurlVersion.loaded.losesItsPlaceInBodies ? .max : 0))
    }
}
