/// The version of Roost, as `roost --version`, `/status` and every request it sends say it.
public let roostVersion = "0.1.0"
