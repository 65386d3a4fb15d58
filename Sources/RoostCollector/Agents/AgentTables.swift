import RoostAnalytics
import RoostCore
public import RoostIngest

/// What the files under `agents` say.
struct AgentTables: Sendable, Equatable {
    /// Nil where only the built-in table is.
    var names: NameSource?
    var prices: String?
    /// Rules for insights that a user adds.
    var insights: [InsightRuleText] = []

    private static let mostBytes = 4 << 20

    static func readNames(_ path: String) -> Result<NameSource, ConfigErrors> {
        Result { () throws(ConfigErrors) in
            try NamesFile.read(
                Array(try text(path).utf8), name: path, over: NamesFile.builtIn)
        }
    }

    static func readInsights(_ path: String) -> Result<[InsightRuleText], ConfigErrors> {
        Result { () throws(ConfigErrors) in
            try InsightsFile.read(Array(try text(path).utf8), name: path)
        }
    }

    /// The table as text, once it has been found to be one.
    static func readPrices(_ path: String) -> Result<String, ConfigErrors> {
        Result { () throws(ConfigErrors) in
            let text = try text(path)
            do throws(PriceFaults) { _ = try PriceBook(users: text) } catch {
                throw ConfigErrors(
                    faults: error.faults.map {
                        ConfigFault(
                            origin: .file(path, line: $0.line, column: $0.fault.column),
                            message: $0.fault.message)
                    })
            }
            return text
        }
    }

    private static func text(_ path: String) throws(ConfigErrors) -> String {
        guard let bytes = readFile(path, limit: mostBytes) else {
            throw ConfigErrors(
                faults: [
                    ConfigFault(
                        origin: .file(path, line: 0, column: 0),
                        message: "cannot be read, or is above 4 MiB")
                ])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Config {
    /// The tables of names in force.
    public var names: NameSource { agents.tables.names ?? NamesFile.builtIn }

    /// The prices in force.
    public var prices: PriceBook {
        agents.tables.prices.flatMap { try? PriceBook(users: $0) } ?? PriceBook()
    }
}
