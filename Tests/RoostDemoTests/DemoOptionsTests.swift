import Testing

@testable import RoostDemo

@Suite struct DemoOptionsTests {
    @Test func `takes the protocol from the port`() throws {
        #expect(try DemoOptions([]).transport == .grpc)
        #expect(try DemoOptions(["--endpoint", "http://h:4318"]).transport == .http)
        #expect(try DemoOptions(["--endpoint", "http://h:4318/"]).transport == .http)
        #expect(try DemoOptions(["--endpoint", "http://h:9999"]).transport == .grpc)
        let options = try DemoOptions(["--protocol", "grpc", "--endpoint=http://h:4318"])
        #expect(options.transport == .grpc)
    }

    @Test func `reads every option`() throws {
        let options = try DemoOptions([
            "--rate", "90", "--for=2.5", "--seed", "7", "--protocol", "http/protobuf",
            "--token", "a-secret",
        ])
        #expect(options.token == "a-secret")
        #expect(try DemoOptions([], standardToken: "known").token == "known")
        #expect(try DemoOptions(["--token=x"], standardToken: "known").token == "x")
        #expect(options.rate == 90)
        #expect(options.seconds == 2.5)
        #expect(options.seed == 7)
        #expect(options.transport == .http)
    }

    @Test(arguments: [
        (["--rat", "3"], "--rat"), (["--rate"], "needs a value"), (["--rate", "0"], "above 0"),
        (["--rate", "nan"], "above 0"), (["--for", "-1"], "above 0"),
        (["--seed", "x"], "--seed x"),
        (["--endpoint", "localhost:4317"], "URL"), (["--protocol", "http"], "http/protobuf"),
        (["--token", ""], "--token"), (["--token", "a\r\nb: c"], "--token"),
    ])
    func `names what it does not understand`(_ arguments: [String], _ part: String) {
        do throws(DemoOptions.Fault) {
            _ = try DemoOptions(arguments)
            Issue.record("accepted \(arguments)")
        } catch {
            #expect(error.message.contains(part), "\(error.message)")
        }
    }
}
