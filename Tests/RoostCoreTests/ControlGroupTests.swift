import Testing

@testable import RoostCore

@Suite struct ControlGroupTests {
    private func limit(_ files: [String: String]) -> Int? {
        ControlGroup.memoryLimit { files[$0] }
    }

    @Test func `the least limit of a group and those above it counts`() {
        #expect(
            limit([
                "/proc/self/cgroup": "0::/system.slice/roost.service\n",
                "/sys/fs/cgroup/system.slice/roost.service/memory.max": "671088640\n",
                "/sys/fs/cgroup/system.slice/memory.max": "536870912\n",
                "/sys/fs/cgroup/memory.max": "max\n",
            ]) == 536_870_912)
    }

    @Test func `in a container the root is the group`() {
        #expect(
            limit(["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "268435456\n"])
                == 268_435_456)
        #expect(
            limit([
                "/proc/self/cgroup": "5:cpu:/docker/1\n4:memory:/docker/1\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n",
            ]) == 268_435_456)
    }

    @Test func `of both versions, whichever limits`() {
        #expect(
            limit([
                "/proc/self/cgroup": "4:cpuset,memory:/a:b\n0::/\n",
                "/sys/fs/cgroup/memory/a:b/memory.limit_in_bytes": "1000000\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "/sys/fs/cgroup/unified/memory.max": "max\n",
            ]) == 1_000_000)
    }

    @Test(arguments: ["", "max\n", "9223372036854771712\n", "nonsense", "-1\n", "0\n"])
    func `what says nothing limits nothing`(text: String) {
        #expect(
            limit(["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": text]) == nil)
        #expect(limit(["/proc/self/cgroup": text]) == nil)
    }
}
