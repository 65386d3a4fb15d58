import Glibc

/// How many processors this process may use now, at least one.
public func processorCount() -> Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }
