import RoostCore
import Testing

@testable import RoostWire

@Suite struct OtherFieldsTests {
    private struct Parts: RequestPartsVisitor {
        var most = Int.max
        var fits: [Bool] = []
        var resource: [UInt8] = []
        var scopes: [[UInt8]] = []
        var items = 0

        init(most: Int = .max) { self.most = most }

        mutating func resource(_ fields: OtherFields) {
            fits.append(fields.copy(to: &resource, atMost: most))
        }
        mutating func scope(_ fields: OtherFields) {
            var scope: [UInt8] = [1]
            fits.append(fields.copy(to: &scope, atMost: most))
            scopes.append(scope)
        }
        mutating func item(_ bytes: WireBytes) { items += 1 }
    }

    private func walk(_ body: [UInt8], most: Int = .max) -> Parts {
        var parts = Parts(most: most)
        unsafe body.withUnsafeBytes { unsafe walkParts($0, visitor: &parts) }
        return parts
    }

    private let before = Proto.bytes(1, keyValue("a", [])) + Proto.number(15, 1)
    private let between = Proto.number(15, 2) + Proto.string(3, "url")

    @Test func `stand together, wherever they stood`() {
        let scope = before + item([1]) + between + item([2]) + item([3]) + before
        let body = Proto.bytes(
            1, between + Proto.bytes(2, scope) + before + Proto.bytes(2, item([4])))
        let parts = walk(body)
        #expect(parts.resource == between + before && parts.items == 4)
        #expect(parts.scopes == [before + between + before, []])
        #expect(parts.fits == [true, true, true])
    }

    @Test func `are not copied when they are too many`() {
        let body = request(before, item([1]), between)
        let all = before.count + between.count
        #expect(walk(body, most: all).scopes == [before + between])
        let parts = walk(body, most: all - 1)
        #expect(parts.scopes == [[]] && parts.fits == [true, false] && parts.items == 1)
    }

    /// A reader shows the same fields as `walkParts`.
    @Test func `are told with resource and scope`() throws {
        struct Read: LogsVisitor {
            var found: [[UInt8]] = []
            mutating func resource(_ resource: ResourceView) {
                found.append([])
                resource.fields.copy(to: &found[found.count - 1])
            }
            mutating func scope(_ scope: ScopeView) {
                found.append([])
                scope.fields.copy(to: &found[found.count - 1])
            }
        }
        let twice = Proto.bytes(1, []) + Proto.bytes(1, []) + between
        let body = request(between, item([]), twice, item([]), resource: twice)
        var visitor = Read()
        var rejections = Rejections()
        let items = try unsafe body.withUnsafeBytes {
            try unsafe readLogs($0, visitor: &visitor, rejections: &rejections)
        }
        #expect(items == 2 && visitor.found == [twice, between + twice])
    }
}
