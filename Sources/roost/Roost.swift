import Glibc
import RoostCollector
import RoostCore
import RoostDemo

@main
enum Roost {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        // Before anything else: a signal that comes while the collector still starts ends it
        // like every other.
        if arguments.first == "serve" { SignalWaiter.block(ServeSignals.all) }
        exit(run(Array(arguments)))
    }

    /// Finds the command and runs it; the exit code of the program.
    static func run(_ arguments: [String]) -> Int32 {
        guard let name = arguments.first else {
            printError(overview())
            return 2
        }
        switch name {
        case "--version", "-V", "version":
            printText("roost \(roostVersion)\n")
            return 0
        case "--help", "-h":
            printText(overview())
            return 0
        default: break
        }
        do throws(UsageError) {
            return try runCommand(name, Array(arguments.dropFirst()))
        } catch {
            let known = Command.all.contains { $0.name == name } ? " " + name : ""
            printError("roost\(known): \(error.text)\nSee roost help\(known).\n")
            return 2
        }
    }

    private static func runCommand(
        _ name: String, _ arguments: [String]
    ) throws(UsageError) -> Int32 {
        guard let command = Command.all.first(where: { $0.name == name }) else {
            throw .unknownCommand(name, nearest: nearest(name, among: Command.all.map(\.name)))
        }
        if arguments.contains("--help") || arguments.contains("-h") {
            printText(usage(of: command))
            return 0
        }
        if name == "demo" {
            return RoostDemo.run(arguments, token: startEnvironment()["ROOST_TOKEN"])
        }
        let options = try Options(arguments, known: command.options)
        if let extra = options.words.dropFirst(command.words).first { throw .unexpectedWord(extra) }
        if let (alone, other) = options.conflict(alone: command.alone) {
            throw .notTogether(alone, other)
        }
        return command.run(options)
    }
}
