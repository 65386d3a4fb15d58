import RoostWire

/// Log events whose bodies hold what was said to models and tools; `*` at the end for all that begin
/// so. Keys of attributes that do stand in `names.yaml`.
enum ContentEvents {
    static let names = KeyRules(
        [
            "gen_ai.*",
            "claude_code.*",
            "gemini_cli.*",
            "codex.*",
            "user_prompt",
            "assistant_response",
            "tool_result",
            "api_request",
            "api_request_body",
            "api_response_body",
            "api_error",
        ])

    /// Programs whose bodies say the name of the event behind their own, where `event.name` does not.
    private static let programs: [StaticString] = ["claude_code.", "gemini_cli.", "codex."]

    /// Whether a body says nothing but the name of its event, whole or what stands behind a dot in it.
    static func repeats(_ body: WireBytes, _ event: WireBytes) -> Bool {
        if ends(event, with: body) { return true }
        return programs.contains { program in
            body.count == program.utf8CodeUnitCount + event.count
                && body.hasPrefix(program, at: 0) && ends(body, with: event)
        }
    }

    private static func ends(_ name: WireBytes, with end: WireBytes) -> Bool {
        let start = name.count - end.count
        guard start == 0 || name.byte(start - 1) == 0x2E else { return false }
        return (0..<end.count).allSatisfy { name.byte(start + $0) == end.byte($0) }
    }
}
