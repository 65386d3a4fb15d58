import RoostCollector
import RoostCore

/// `switches`: which parts are on, and turning them on and off.
enum SwitchEndpoints {
    static func all(_ context: APIContext) -> [Endpoint] {
        [
            Endpoint(
                method: .get, path: API.root + "switches", name: "getSwitches",
                summary: "Which parts are on", answer: .json(schema: "Switches"),
                handle: { $0.answer { write(context, into: &$0) } }),
            Endpoint(
                method: .put, path: API.root + "switches", name: "putSwitches",
                summary: "Turns the named parts on or off, until the next start or reload",
                bodySchema: "SwitchesChange", answer: .json(schema: "Switches"),
                isAdministrative: true,
                handle: { request throws(APIError) in
                    let changes = try changes(try request.document())
                    context.collector.turn(changes) {
                        // The audit trail has it by then.
                        let home = LoopOwned((request, context), on: context.loop)
                        context.collector.audit.whenSettled {
                            home.post { request, context in
                                request.answer { write(context, into: &$0) }
                            }
                        }
                    }
                }),
        ]
    }

    private static func write(_ context: APIContext, into writer: inout JSONWriter) {
        writer.beginObject()
        for part in Switches.Part.allCases {
            writer.field(part.rawValue, context.collector.switches.isOn(part))
        }
        writer.endObject()
    }

    /// All or nothing.
    private static func changes(
        _ document: JSONValue
    ) throws(APIError) -> [(part: Switches.Part, isOn: Bool)] {
        let known = Switches.Part.allCases.map(\.rawValue).joined(separator: ", ")
        guard let members = document.members, !members.isEmpty else {
            throw .badBody("the body is an object with one or more of \(known), each true or false")
        }
        var changes: [(part: Switches.Part, isOn: Bool)] = []
        for (name, value) in members {
            guard let part = Switches.Part(rawValue: name) else {
                throw .badBody("there is no switch \(name.shortened()); known are \(known)")
            }
            guard let isOn = value.bool else {
                throw .badBody("\(name) has to be true or false")
            }
            changes.append((part, isOn))
        }
        return changes
    }
}
