import Glibc
import RoostCollector
import RoostCore

@main
enum Roost {
    static func main() { exit(serve(Config(), log: Log(), version: "0.1.0")) }
}
