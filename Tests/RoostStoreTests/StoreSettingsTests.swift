import RoostStore
import Testing

@Suite struct StoreSettingsTests {
    @Test func `a week and two gibibytes are kept`() {
        #expect(StoreSettings().keep == 604_800_000_000_000)
        #expect(StoreSettings().size == 2_147_483_648)
    }
}
