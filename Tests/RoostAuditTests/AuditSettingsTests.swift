import RoostAudit
import Testing

@Suite struct AuditSettingsTests {
    @Test func `the trail lies in the data folder`() {
        #expect(AuditSettings().path == "roost-data/audit")
    }
}
