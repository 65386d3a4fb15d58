import Foundation
import Testing

@testable import RoostNet

@Suite struct ClientTLSCheckTests {
    private func fault(authorities bytes: [UInt8]) throws -> TLSIdentityError? {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("authorities-\(UUID())")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        do throws(TLSIdentityError) {
            try ClientTLSCheck.authorities(at: file.path)
            return nil
        } catch { return error }
    }

    @Test func `authorities are certificates, one at least`() throws {
        let one = try TestCertificate(name: "one").certificate
        let other = try TestCertificate(name: "other").certificate
        #expect(try fault(authorities: one + other) == nil)
        // Words between them are usual.
        #expect(try fault(authorities: Array("# Of the house\n".utf8) + one) == nil)
        let none = TLSIdentityError(.authorities, "holds no certificate in PEM")
        #expect(try fault(authorities: []) == none)
        #expect(try fault(authorities: Array("no certificate".utf8)) == none)
        #expect(try fault(authorities: TestCertificate().key) == none)
        let broken = try fault(authorities: Array(one.prefix(one.count / 2)))
        #expect(broken?.reason.hasPrefix("holds a certificate that cannot be read: ") == true)
    }

    @Test func `what a client shows belongs together`() throws {
        let (one, other) = try (TestCertificate(name: "one"), TestCertificate(name: "other"))
        try ClientTLSCheck.identity(certificate: one.certificate, key: one.key)
        #expect(throws: TLSIdentityError(.key, "is not the key of the certificate (/CN=one)")) {
            try ClientTLSCheck.identity(certificate: one.certificate, key: other.key)
        }
    }
}
