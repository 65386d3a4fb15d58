import Glibc
import RoostCore
public import RoostNet

/// Makes the configuration in force of a file, flags and the environment.
public enum ConfigLoader {
    /// What was read, and what is worth saying about it though it is no fault.
    public struct Loaded: Sendable, Equatable {
        public var config: Config
        public var warnings: [ConfigFault]
    }

    /// What a collector that runs already has, when its configuration is read again.
    public struct Running: Sendable {
        /// Where it listens, whatever the file says by now.
        public var listeners: [(name: String, address: ListenAddress)]

        public init(listeners: [(name: String, address: ListenAddress)]) {
            self.listeners = listeners
        }
    }

    /// The most that a file may hold.
    static let maxBytes = 1 << 20

    /// Reads the file, if one is given, then the flags over it.
    ///
    /// `sets` are `key.path=value` as `--set` takes them. Throws everything that is wrong at once.
    /// `environment` gives the variables of `${NAME}`, and destinations by the standard variables
    /// when neither file nor flags have any.
    ///
    /// With `running` the configuration is read again: then a file that has nothing to say is a
    /// fault, too, since somebody may be about to write it, or it was a pipe and is used up.
    public static func load(
        file: String?, sets: [String], environment: [String: String], running: Running? = nil
    ) throws(ConfigErrors) -> Loaded {
        var text: [UInt8]?
        if let file {
            text = readFile(file, limit: maxBytes, waitsForWriter: running == nil)
            if let fault = text == nil
                ? whyUnreadable(file) ?? "cannot be read, or holds more than \(sizeText(maxBytes))"
                : running == nil ? nil : whyUnusableAgain(file, text)
            {
                throw ConfigErrors(faults: [
                    ConfigFault(origin: .file(file, line: 0, column: 0), message: fault)
                ])
            }
        }
        return try load(
            text: text, name: file ?? "", sets: sets, environment: environment,
            addresses: OwnAddresses.ofThisMachine(), memoryAllowed: ControlGroup.memoryLimit(),
            running: running, whyUnreadable: whyUnreadable)
    }

    private static func whyUnusableAgain(_ path: String, _ text: [UInt8]?) -> String? {
        var status = stat()
        if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            return "is no regular file, which can be read once only; restart with the new one"
        }
        return text == [] ? "is empty; write {} when everything is to be as without a file" : nil
    }

    /// `memoryAllowed` is what the process may take at most, in bytes; `whyUnreadable` says why a file
    /// cannot be read, nil when it can.
    static func load(
        text: [UInt8]?, name: String, sets: [String], environment: [String: String],
        addresses: OwnAddresses, memoryAllowed: Int? = nil, running: Running? = nil,
        whyUnreadable: @escaping (String) -> String?
    ) throws(ConfigErrors) -> Loaded {
        var reading = ConfigReading(environment: environment)
        var nodes: [ConfigNode] = []
        if let text {
            do throws(ConfigErrors) {
                let (node, faults) = try YAMLReader.read(text, name: name)
                reading.add(ConfigErrors(faults: faults))
                if let node { nodes.append(node) }
            } catch {
                reading.add(error)
            }
        }
        for set in sets {
            do throws(ConfigErrors) { nodes.append(try ConfigPath.parse(set)) } catch {
                reading.add(error)
            }
        }
        var config = Config()
        applyVariables(to: &config, &reading, unlessGivenIn: nodes)
        for node in nodes { Config.section.read(node, at: "", into: &config, &reading) }
        var checks = ConfigChecks(
            config, reading, addresses, fallback: .file(name, line: 0, column: 0),
            memoryAllowed: memoryAllowed, running: running, whyUnreadable: whyUnreadable)
        checks.run()
        let faults = checks.reading.faults
        guard faults.isEmpty else { throw ConfigErrors(faults: inOrder(faults)) }
        return Loaded(config: checks.config, warnings: inOrder(checks.reading.warnings))
    }

    /// The destinations of the standard variables, which a list from file or flags replaces.
    private static func applyVariables(
        to config: inout Config, _ reading: inout ConfigReading, unlessGivenIn nodes: [ConfigNode]
    ) {
        var variables = OTLPVariables(reading.environment)
        let destinations = variables.destinations()
        if let list = nodes.lazy.compactMap(wholeExportList).first {
            for variable in Set(destinations.map(\.variable)).sorted() {
                reading.warn(.environment(variable), "is not used: export is given at \(list)")
            }
            return
        }
        for warning in variables.warnings { reading.warn(warning.origin, warning.message) }
        for (index, destination) in destinations.enumerated() {
            let origin = ConfigOrigin.environment(destination.variable)
            reading.note("export[\(index)]", origin)
            reading.note("export[\(index)].name", origin)
            reading.note("export[\(index)].endpoint", origin)
            for (key, variable) in destination.files {
                reading.note("export[\(index)].\(key)", .environment(variable))
            }
            config.export.append(destination.export)
        }
    }

    /// Where the list of destinations is given as a whole, if this does.
    private static func wholeExportList(_ node: ConfigNode) -> ConfigOrigin? {
        guard case .mapping(let entries) = node.content,
            let entry = entries.first(where: { $0.key == "export" })
        else { return nil }
        if case .element = entry.value.content { return nil }
        return entry.keyOrigin
    }

    private static func inOrder(_ faults: [ConfigFault]) -> [ConfigFault] {
        faults.enumerated().sorted {
            ($0.element.origin, $0.offset) < ($1.element.origin, $1.offset)
        }.map(\.element)
    }

    /// Does not wait for whoever should write into a pipe.
    private static func whyUnreadable(_ path: String) -> String? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            return "cannot be read: " + (unsafe String(cString: strerror(errno)))
        }
        defer { close(file) }
        var status = stat()
        if unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            return "is a folder; name a file"
        }
        return nil
    }
}
