import RoostCollector
import RoostCore
import RoostWire

/// Sends dead letters again; 0 when all of them were taken, 1 when some are left or another one is
/// at it, 2 when it could not begin.
func replayCommand(_ options: Options) -> Int32 {
    guard let folder = options.words.first else {
        printError("roost replay: say which folder\nSee roost help replay.\n")
        return 2
    }
    let format = options.last("--format") ?? "text"
    guard format == "text" || format == "json" else {
        printError("roost replay: --format is text or json, not \(format)\n")
        return 2
    }
    do {
        let patience = try ReplayTarget.patience(options)
        let target = try ReplayTarget(options)
        let replay = try Replay(
            folder: folder, patience: patience, target: target.settings(for:),
            tell: { printError($0 + "\n") })
        if options.has("--dry-run") {
            for line in try replay.list() { printText(line + "\n") }
            return 0
        }
        let summary = try replay.run()
        printText(format == "json" ? summary.json : summary.text)
        if let fault = summary.fault { printError("roost replay: \(fault)\n") }
        return summary.isComplete ? 0 : 1
    } catch let fault as Replay.Fault {
        printError("roost replay: \(fault)\n")
        if case .busy = fault { return 1 }
        return 2
    } catch {
        printError("\(error)\n")
        return 2
    }
}

/// Where letters are sent.
private struct ReplayTarget {
    /// What is wrong with the options.
    struct Problem: Error, CustomStringConvertible {
        let text: String
        var description: String { "roost replay: " + text }
    }

    private let destinations: [ExportSettings]
    /// Instead of the one that a letter names.
    private let forced: ExportSettings?

    init(_ options: Options) throws {
        if let url = options.last("--to") {
            destinations = []
            forced = try Self.address(url, options)
            return
        }
        for name in ["--protocol", "--header"] where options.has(name) {
            throw Problem(text: "\(name) goes with --to")
        }
        destinations = try ConfigLoader.load(
            file: options.last("--config"), sets: options.all("--set"),
            environment: startEnvironment()
        ).config.exportSettings
        guard let name = options.last("--destination") else {
            forced = nil
            return
        }
        forced = destinations.first { $0.name == name }
        guard forced != nil else {
            let near = nearest(name, among: destinations.map(\.name))
            throw Problem(
                text: "no destination is called \(name)"
                    + (near.map { "; did you mean \($0)?" } ?? ""))
        }
    }

    func settings(for name: String) -> ExportSettings? {
        forced ?? destinations.first { $0.name == name }
    }

    static func patience(_ options: Options) throws -> Duration {
        guard let text = options.last("--patience") else { return .seconds(60) }
        guard let duration = parseDuration(text) else {
            throw Problem(text: "--patience \(text) is no duration such as 30s or 5m")
        }
        return duration
    }

    private static func address(_ url: String, _ options: Options) throws -> ExportSettings {
        if options.has("--destination") { throw Problem(text: "--destination or --to, not both") }
        let form = try options.last("--protocol").map { text in
            guard let form = ExportProtocol(rawValue: text) else {
                throw Problem(text: "--protocol is grpc or http/protobuf, not \(text)")
            }
            return form
        }
        let endpoint: ExportEndpoint
        do throws(ExportEndpointError) {
            endpoint = try ExportEndpoint(url, protocol: form)
        } catch {
            throw Problem(text: "--to \(shownAddress(url)): \(error)")
        }
        var settings = ExportSettings(
            name: endpoint.origin, protocol: endpoint.protocol, urls: ExportURLs())
        for signal in Signal.allCases { settings.urls[signal] = endpoint.url(for: signal) }
        settings.headers = try options.all("--header").map { text in
            do throws(ExportSettings.Header.Problem) {
                return try ExportSettings.Header(argument: text)
            } catch {
                throw Problem(text: "--header: \(error)")
            }
        }
        return settings
    }
}

extension Replay.Summary {
    fileprivate var text: String {
        let taken = Signal.allCases.filter { items[$0.rawValue] > 0 }
            .map { "\(items[$0.rawValue]) \($0.itemName)" }
        var text = "\(letters) letters: \(sent) sent, \(refused) refused again, \(left) left"
        if !taken.isEmpty { text += "; " + taken.joined(separator: ", ") + " taken" }
        if rejectedItems > 0 { text += ", \(rejectedItems) rejected" }
        return text + "\n"
    }

    fileprivate var json: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("letters", letters)
        writer.field("sent", sent)
        writer.field("refused", refused)
        writer.field("left", left)
        writer.object("items") { writer in
            for signal in Signal.allCases { writer.field(signal.itemName, items[signal.rawValue]) }
        }
        writer.field("rejected_items", rejectedItems)
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }
}
