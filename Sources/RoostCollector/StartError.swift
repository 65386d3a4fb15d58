public import RoostNet

/// Why the collector could not start; the text says what to do.
public enum StartError: Error, CustomStringConvertible {
    case listener(name: String, ListenError)
    case dataFolder(path: String, reason: String)
    case dataFolderInUse(path: String, by: FolderHolder)
    case exporter(ExportStartError)
    case store(String)
    /// There is no key for labels of users.
    case userKey(UserKeyFault)
    /// The audit trail cannot be opened.
    case audit(String)
    /// The system refused a thread, a loop or a descriptor.
    case resources(String)

    public var description: String {
        switch self {
        case .listener(let name, let error):
            "listen.\(name): \(error); \(Self.advice(error))choose another address with "
                + "--set listen.\(name)=HOST:PORT"
        case .dataFolder(let path, let reason):
            "store.path: \(path) cannot be written: \(reason); mend that or choose another "
                + "folder with --set store.path=FOLDER"
        case .dataFolderInUse(let path, let holder):
            "store.path: \(path) \(holder.text); \(holder.advice)choose another folder with "
                + "--set store.path=FOLDER"
        case .exporter(let error): "export: \(error.text)"
        case .store(let text):
            "store: \(text); or start without it with --set enable.store=false"
        case .userKey(let fault): "agents.user_label: \(fault)"
        case .audit(let text):
            "the audit trail cannot be opened: \(text); mend that or go without it with "
                + "--set enable.audit=false"
        case .resources(let text): text
        }
    }

    /// What may help besides another address.
    private static func advice(_ error: ListenError) -> String {
        switch error {
        case .inUse: "stop the other program or "
        case .cannotBind(let address, _) where (1..<1024).contains(address.port):
            "a port below 1024 may need root or CAP_NET_BIND_SERVICE, or "
        case .cannotBind: ""
        }
    }
}

extension ExportStartError {
    /// What is wrong, and what to do.
    var text: String {
        switch self {
        case .noThread: "the system has no thread to give"
        case .noCurl: "libcurl has no memory or no sockets"
        case .queueInUse(let exporter, let folder, let holder):
            "the queue of \(exporter): \(folder) \(holder.text); "
                + "\(holder.advice)choose another folder in queue.path"
        case .queue(let exporter, let text): "the queue of \(exporter): \(text)"
        case .lettersInUse(let exporter, let folder, let holder):
            "the dead letters of \(exporter): \(folder) \(holder.text); "
                + "\(holder.advice)choose another folder in dead_letters.path"
        }
    }
}
