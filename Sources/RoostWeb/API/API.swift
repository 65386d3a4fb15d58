import RoostNet

/// Every endpoint there is.
enum API {
    static let root = "/api/v1/observability/"

    static func table(_ context: APIContext) -> EndpointTable {
        let endpoints =
            OverviewEndpoint.all(context) + TraceEndpoints.all(context)
            + AnalyticsEndpoints.all(context) + FindingEndpoints.all(context)
            + EventEndpoints.all(context) + SwitchEndpoints.all(context)
            + LiveEndpoints.all(context) + JaegerEndpoints.all(context)
            + AuditEndpoints.all(context) + BaselineEndpoints.all(context)
            + [RecoveryEndpoint.make(context)]
        return EndpointTable(endpoints + [OpenAPIDocument.endpoint(endpoints, context)])
    }
}
