import Testing

@testable import RoostNet

@Suite struct TLSIdentityTests {
    private let pair: TestCertificate

    init() throws { pair = try TestCertificate(name: "collector.example.org") }

    private func fault(
        certificate: [UInt8]? = nil, key: [UInt8]? = nil, authorities: [UInt8]? = nil
    ) -> TLSIdentityError? {
        do throws(TLSIdentityError) {
            _ = try TLSIdentity(
                certificate: certificate ?? pair.certificate, key: key ?? pair.key,
                authorities: authorities)
            return nil
        } catch { return error }
    }

    @Test func `knows whose it is and how long it is good`() throws {
        let identity = try TLSIdentity(certificate: pair.certificate, key: pair.key)
        #expect(identity.subject == "/CN=collector.example.org")
        #expect(identity.validUntil - identity.validFrom == 3_660)
        #expect(!identity.asksForCertificate)
    }

    @Test func `a certificate and its key may stand in one file, with words between`() throws {
        let file =
            Array("our server\n".utf8) + pair.key + Array("\n# chain\n".utf8) + pair.certificate
        _ = try TLSIdentity(certificate: file, key: file, authorities: file)
    }

    @Test func `a key of another certificate is named`() throws {
        let error = fault(key: try TestCertificate().key)
        #expect(error?.file == .key)
        #expect(error?.reason == "is not the key of the certificate (/CN=collector.example.org)")
    }

    @Test func `an encrypted key is told with the way out`() {
        let error = fault(key: pair.encryptedKey)
        #expect(error?.file == .key)
        #expect(error?.reason.hasPrefix("is encrypted") == true)
        #expect(error?.reason.contains("openssl pkey") == true)
    }

    @Test func `what is no PEM is told`() {
        let text = Array("nothing here".utf8)
        #expect(fault(certificate: text)?.reason == "holds no certificate in PEM")
        #expect(fault(certificate: [])?.file == .certificate)
        #expect(fault(key: text)?.reason == "holds no private key in PEM")
        #expect(fault(key: pair.certificate)?.file == .key)
        #expect(
            fault(authorities: text)
                == TLSIdentityError(.authorities, "holds no certificate in PEM"))
    }

    @Test func `a damaged certificate in a chain is told`() {
        var damaged = pair.certificate
        damaged[80] = UInt8(ascii: "!")
        #expect(fault(certificate: pair.certificate + damaged)?.file == .certificate)
        #expect(fault(authorities: pair.certificate + damaged)?.file == .authorities)
    }

    @Test func `equal files make equal identities`() throws {
        let one = try TLSIdentity(certificate: pair.certificate, key: pair.key)
        let other = try TLSIdentity(
            certificate: pair.certificate, key: pair.key, authorities: pair.certificate)
        #expect(one == (try TLSIdentity(certificate: pair.certificate, key: pair.key)))
        #expect(one != other)
    }
}
