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
}
