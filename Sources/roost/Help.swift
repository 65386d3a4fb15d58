import RoostCollector
import RoostCore

/// What `roost help` says.
func overview() -> String {
    var text = "roost \(roostVersion): a telemetry collector for AI agents\n\n"
    for command in Command.all {
        text += "  roost \(padded(command.name, 10)) \(command.summary)\n"
    }
    return text + "\nroost help COMMAND tells its options; roost --version the version.\n"
}

/// What `roost help COMMAND` says.
func usage(of command: Command) -> String {
    var text = "roost \(command.name): \(command.summary)\n"
    if !command.options.isEmpty { text += "\n" }
    for option in command.options {
        let name = option.name + (option.value.map { " " + $0 } ?? "")
        text += "  \(padded(name, 30)) \(option.doc)\n"
    }
    return text
}

func helpCommand(_ options: Options) -> Int32 {
    guard let name = options.words.first else {
        printText(overview())
        return 0
    }
    if name == "config" {
        printText(Config.reference())
        return 0
    }
    if let command = Command.all.first(where: { $0.name == name }) {
        printText(usage(of: command))
        return 0
    }
    let near = nearest(name, among: Command.all.map(\.name))
    printError("roost help: \(UsageError.unknownCommand(name, nearest: near).text)\n")
    return 2
}

private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}
