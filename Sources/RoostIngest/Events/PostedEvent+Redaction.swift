extension PostedEvent {
    /// Takes out of its texts what must neither rest nor be shown, before anything is made of it.
    ///
    /// A text is known by the names of the event and by those of the conventions. `run` only brings a
    /// beginning and its end together and goes nowhere.
    public mutating func redact(with redactor: inout TextRedactor) {
        func redact(_ text: inout String, _ fields: PostedEventField...) {
            redactor.redact(&text, keys: fields.flatMap(\.names))
        }
        redact(&agent, .agent)
        redact(&parentAgent, .parentAgent, .agent)
        redact(&workflow, .workflow)
        redact(&tool, .tool)
        redact(&model, .model)
        redact(&provider, .provider)
        redact(&service, .service)
        redact(&session, .session)
        redact(&user, .user)
        redact(&errorType, isErrorMessage ? .error : .errorType)
    }
}
