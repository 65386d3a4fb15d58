import Foundation
import RoostAnalytics
import RoostCore
import Testing

@testable import RoostWeb

@Suite struct OpenAPIDocumentTests {
    private func schemas() throws -> JSONValue { try JSONValue(parsing: Schemas.all) }

    /// Every text under a `$ref`.
    private func references(_ value: JSONValue) -> [String] {
        if let elements = value.array { return elements.flatMap(references) }
        return (value.members ?? []).flatMap { name, value in
            name == "$ref" ? [value.string ?? "?"] : references(value)
        }
    }

    @Test func `the schemas are one object, and no name comes twice`() throws {
        let names = try #require(try schemas().members).map(\.name)
        #expect(names.count > 40)
        #expect(Set(names).count == names.count)
    }

    @Test func `what a schema points at is there`() throws {
        let all = try schemas()
        let names = Set(try #require(all.members).map { "#/components/schemas/" + $0.name })
        #expect(Set(references(all)).subtracting(names).isEmpty)
    }

    @Test func `the types of live messages are those that there are`() throws {
        let types = try schemas()["LiveMessage"]?["properties"]?["type"]?["enum"]?.array
        #expect(types?.compactMap(\.string) == LiveMessage.types)
        let page = try String(
            contentsOfFile: #filePath.replacing(
                "Tests/RoostWebTests/OpenAPIDocumentTests.swift", with: "docs/api.md"),
            encoding: .utf8)
        #expect(LiveMessage.types.filter { !page.contains("`\($0)`") } == [])
    }

    @Test func `an endpoint is described with what it takes, answers and refuses`() throws {
        let endpoint = Endpoint(
            method: .get, path: API.root + "traces/{trace_id}", name: "getTrace",
            summary: "One trace",
            parameters: [
                .path("trace_id", .traceID, "The id"), .query("limit", .integer(1...9), "Most"),
            ], answer: .json(schema: "Trace"), handle: { _ in })
        let document = try JSONValue(
            parsing: OpenAPIDocument.bytes([endpoint], version: "1"))
        #expect(document["openapi"]?.string == "3.1.0")
        let operation = try #require(document["paths"]?[endpoint.path]?["get"])
        #expect(operation["operationId"]?.string == "getTrace")
        #expect(operation["parameters"]?.array?.count == 2)
        let answers = try #require(operation["responses"]?.members).map(\.name)
        #expect(
            answers == ["200", "400", "413", "414", "415", "401", "403", "404", "422", "503"])
    }

    @Test func `a WebSocket says that it is to be had over nothing else`() throws {
        let endpoint = Endpoint(
            method: .get, path: API.root + "ws/events", name: "streamEvents", summary: "Events",
            answer: .webSocket, handle: { _ in })
        let document = try JSONValue(parsing: OpenAPIDocument.bytes([endpoint], version: "1"))
        let operation = try #require(document["paths"]?[endpoint.path]?["get"])
        let answers = try #require(operation["responses"]?.members).map(\.name)
        #expect(
            answers == [
                "101", "400", "413", "414", "415", "426", "401", "403", "422", "503",
            ])
    }
}
