import RoostCollector
import RoostCore

func checkCommand(_ options: Options) -> Int32 {
    if options.has("--defaults") {
        printText(Config().yaml())
        return 0
    }
    do throws(ConfigErrors) {
        let loaded = try load(options)
        for warning in loaded.warnings {
            printError("\(warning.origin): warning: \(warning.message)\n")
        }
        printText(loaded.config.yaml() + loaded.config.addresses())
        return 0
    } catch {
        printError("\(error)\n")
        return 2
    }
}

func serveCommand(_ options: Options) -> Int32 {
    let loaded: ConfigLoader.Loaded
    do throws(ConfigErrors) { loaded = try load(options) } catch {
        printError("\(error)\n")
        return 2
    }
    let log = Log(level: loaded.config.log.level, format: loaded.config.log.format)
    for warning in loaded.warnings { log.warn("\(warning)") }
    return serve(loaded.config, log: log, version: roostVersion) { running in
        do throws(ConfigErrors) {
            let loaded = try load(options, running: running)
            for warning in loaded.warnings { log.warn("\(warning)") }
            return loaded.config
        } catch {
            for fault in error.faults { log.error("configuration not reloaded: \(fault)") }
            return nil
        }
    }
}

private func load(
    _ options: Options, running: ConfigLoader.Running? = nil
) throws(ConfigErrors) -> ConfigLoader.Loaded {
    try ConfigLoader.load(
        file: options.last("--config"), sets: options.all("--set"), environment: startEnvironment(),
        running: running)
}
