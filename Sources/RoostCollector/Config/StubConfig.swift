// Stands in until the part "config" lands; that part deletes this file.
public import RoostCore
public import RoostNet

public struct Config: Sendable, Equatable {
    public struct Listen: Sendable, Equatable {
        public var grpc = ListenAddress(host: "127.0.0.1", port: 4317)
        public var http = ListenAddress(host: "127.0.0.1", port: 4318)
        public var web = ListenAddress(host: "127.0.0.1", port: 8080)
        public var cors: [String] = []
    }
    public struct Limits: Sendable, Equatable {
        public var memory = 512 << 20
        public var request = 64 << 20
        public var connections = 4096
        public var headerTimeout: Duration = .seconds(10)
        public var bodyTimeout: Duration = .seconds(30)
        public var idleTimeout: Duration = .seconds(120)
        public var seriesPerMetric = 10000
        public var seriesExpiry: Duration = .seconds(300)
    }
    public struct Enable: Sendable, Equatable {
        public var metrics = true
        public var traces = true
        public var logs = true
    }
    public struct LogConfig: Sendable, Equatable {
        public var format = Log.Format.text
        public var level = Log.Level.info
    }
    public struct Store: Sendable, Equatable { public var path = "./roost-data" }
    public var listen = Listen()
    public var limits = Limits()
    public var enable = Enable()
    public var log = LogConfig()
    public var store = Store()
    public var shutdown: Duration = .seconds(20)
    public init() {}
    var exportSettings: [ExportSettings] { [] }
    func writeMasked(into writer: inout JSONWriter) { writer.null() }
}
