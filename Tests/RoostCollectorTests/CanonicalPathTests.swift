import Foundation
import Testing

@testable import RoostCollector

@Suite struct CanonicalPathTests {
    @Test func `symbolic links, dots and needless slashes make no difference`() throws {
        let place = try TestFolder()
        let files = FileManager.default
        try files.createDirectory(
            atPath: place.path + "/real/inner", withIntermediateDirectories: true)
        try files.createSymbolicLink(
            atPath: place.path + "/link", withDestinationPath: "real/inner")
        let expected = canonicalPath(place.path + "/real/inner")
        for spelling in ["/link", "/link/", "//real/./inner", "/link/../inner", "/real/inner/."] {
            #expect(canonicalPath(place.path + spelling) == expected)
        }
    }

    @Test(arguments: [
        ("/none/a/b", "/none/a/b"), ("/none//a/./b/", "/none/a/b"), ("/none/a/../b", "/none/b"),
        ("/none/../../..", "/"), ("/", "/"), ("//", "/"),
    ])
    func `what is not there is taken as it is written`(_ path: String, _ expected: String) {
        #expect(canonicalPath(path) == expected)
    }

    @Test func `a relative path is below the current folder`() {
        let current = canonicalPath(".")
        #expect(current.hasPrefix("/") && canonicalPath("") == current)
        #expect(canonicalPath("none/../other") == current + "/other")
    }
}
