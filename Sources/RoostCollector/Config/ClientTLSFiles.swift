import Glibc
import RoostCore
import RoostNet

/// What is wrong with the files of a destination's TLS that can be read.
struct ClientTLSFiles {
    let tls: Config.ClientTLS
    /// A system's whole list of authorities has a quarter of a megabyte.
    private static let mostBytes = 16 << 20

    /// `ca`, `cert` or `key`, with what is to follow the file's name.
    func faults() -> [(key: String, file: String, reason: String)] {
        var found: [(key: String, file: String, reason: String)] = []
        func attempt(_ check: () throws(TLSIdentityError) -> Void) {
            do throws(TLSIdentityError) { try check() } catch {
                switch error.file {
                case .authorities: found.append(("ca", tls.ca ?? "", error.reason))
                case .certificate: found.append(("cert", tls.cert ?? "", error.reason))
                case .key: found.append(("key", tls.key ?? "", error.reason))
                }
            }
        }
        if let ca = tls.ca, contents(ca) != nil {
            attempt { () throws(TLSIdentityError) in try ClientTLSCheck.authorities(at: ca) }
        }
        if let certificate = contents(tls.cert), let key = contents(tls.key) {
            attempt { () throws(TLSIdentityError) in
                try ClientTLSCheck.identity(certificate: certificate, key: key)
            }
        }
        return found
    }

    /// Nil for what is no file on a disk, too: what a pipe has can be read once only.
    private func contents(_ file: String?) -> [UInt8]? {
        var status = stat()
        guard let file, unsafe stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return readFile(file, limit: Self.mostBytes)
    }
}
