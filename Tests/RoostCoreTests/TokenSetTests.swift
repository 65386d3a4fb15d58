import RoostCore
import Testing

@Suite struct TokenSetTests {
    @Test func `any of the tokens lets in`() {
        let tokens = TokenSet(["old", "new one"])
        #expect(tokens.admits(authorization: "Bearer old"))
        #expect(tokens.admits(authorization: "bearer new one"))
    }

    @Test(arguments: [
        nil, "", "Bearer", "Bearer ", "Bearer ol", "Bearer oldest", "Basic old", "old",
    ])
    func `everything else does not`(value: String?) {
        #expect(!TokenSet(["old"]).admits(authorization: value))
    }
}
