import Testing

@testable import RoostAnalytics

@Suite struct FailureCategoryTests {
    /// As clients, drivers and providers call them.
    private static let types: [String: String] = [
        "connection": """
        ConnectionRefusedError
        ECONNREFUSED
        connection refused
        ConnectionAbortedError
        ECONNABORTED
        ConnectionResetError
        ECONNRESET
        RemoteDisconnected
        aiohttp.client_exceptions.ServerDisconnectedError
        openai.APIConnectionError
        apiconnectionerror
        httpx.ConnectError
        httpx.RemoteProtocolError
        urllib3.exceptions.NewConnectionError
        ENOTFOUND
        EAI_AGAIN
        socket.gaierror
        EPIPE
        BrokenPipeError
        EHOSTUNREACH
        REFUSED_STREAM
        WebSocketError
        websocketexception
        SSLCertVerificationError
        ERR_TLS_CERT_ALTNAME_INVALID
        CERT_HAS_EXPIRED
        StatusCode.UNAVAILABLE
        psycopg.errors.ConnectionDoesNotExist
        psycopg.errors.CannotConnectNow
        """,
        "timeout": """
        httpx.ReadTimeout
        httpx.ConnectTimeout
        ETIMEDOUT
        UND_ERR_CONNECT_TIMEOUT
        APIConnectionTimeoutError
        asyncio.exceptions.TimeoutError
        StatusCode.DEADLINE_EXCEEDED
        the operation was aborted due to timeout
        HTTP 504
        """,
        "rate_limit": """
        openai.RateLimitError
        rate_limit_error
        insufficient_quota
        quotaExceeded
        userRateLimitExceeded
        ThrottlingException
        StatusCode.RESOURCE_EXHAUSTED
        overloaded_error
        HTTP429
        """,
        "authentication": """
        anthropic.PermissionDeniedError
        invalid_api_key
        APIKeyError
        ExpiredTokenException
        EACCES
        psycopg.errors.InvalidPassword
        UNAUTHENTICATED
        """,
        "context_length": "context_length_exceeded\nrequest_too_large\nprompt is too long",
        "content_filter":
            "refusal\ncontent_filter\nSAFETY\nPROHIBITED_CONTENT\nResponsibleAIGuardrail",
        "cancelled": "AbortError\nAPIUserAbortError\ncontext canceled\nKeyboardInterrupt",
        "not_found": "NoSuchToolError\nModuleNotFoundError\nENOENT\nObjectDoesNotExist",
        "validation": """
        json.decoder.JSONDecodeError
        OutputParserException
        INVALID_ARGUMENT
        invalid_request_error
        pydantic_core._pydantic_core.ValidationError
        KeyError
        422
        """,
        "memory": "CUDA out of memory\nOOMKilled\nENOMEM",
        "server": "openai.InternalServerError\napi_error\nHTTP 500",
        "tool":
            "ToolError\nmcp_tool_error\nnon-zero exit\nSystemExit\nsubprocess.CalledProcessError",
    ]

    @Test(
        arguments: types.flatMap { name, types in
            types.split(separator: "\n").map { (String($0), name) }
        })
    func `what programs call their errors is sorted as it is meant`(
        _ type: String, _ category: String
    ) {
        #expect(FailureCategory.of(type).name == category)
    }

    @Test(arguments: [
        "SparseIndexMissing", "MonkeyError", "PrototypeError", "QuotationError",
        "MalfunctionError", "FlexItemError", "payload_too_large", "HTTP 5001", "port_5432",
        "error_code_15030", "CacheInvalidationFailed", "InternalizationError", "UncertainError",
        "ZoomError", "NonSlipError",
    ])
    func `a sign within another word is none`(_ type: String) {
        #expect(FailureCategory.of(type).name == "other")
    }
}
