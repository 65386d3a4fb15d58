import COTLP

/// The messages of `grpc.health.v1.Health/Check`. gRPC, `doc/health-checking.md`.
public enum HealthAnswer {
    /// A packed `HealthCheckResponse`.
    public static func serving(_ isServing: Bool) -> [UInt8] {
        var response = unsafe Grpc__Health__V1__HealthCheckResponse()
        unsafe grpc__health__v1__health_check_response__init(&response)
        unsafe response.status =
            isServing
            ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
            : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
        return unsafe packed(response)
    }

    /// The service that a `HealthCheckRequest` asks about, empty for the server as a whole; nil
    /// when the bytes are no such message. An unknown name is for the caller to answer NOT_FOUND.
    public static func service(inRequest request: UnsafeRawBufferPointer) -> String? {
        var cursor = unsafe WireCursor(request)
        var service = WireBytes.empty
        do throws(WireFault) {
            while cursor.hasMore {
                let tag = try cursor.tag()
                if tag == 1 << 3 | 2 {
                    service = try cursor.payload()
                } else {
                    try cursor.skip(tag)
                }
            }
        } catch {
            return nil
        }
        return isUTF8(service) ? service.string : nil
    }
}
