import Glibc

/// The few distributions that findings are judged by. Pure functions of their arguments; nothing
/// traps and nothing loops for long, whatever comes in.
enum Likelihood {
    /// The chance that a standard normal value exceeds `z`.
    static func normalTail(_ z: Double) -> Double {
        z.isNaN ? 0.5 : erfc(z * 0.5.squareRoot()) / 2
    }

    /// The chance that Student's t with `freedom` degrees exceeds `t`.
    static func studentTail(_ t: Double, freedom: Double) -> Double {
        guard freedom > 0, !t.isNaN else { return 0.5 }
        let half = incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
        return t >= 0 ? half : 1 - half
    }

    /// How sure it is that the true share of hits lies over `share`, after `hits` of `chances`.
    ///
    /// From the beta posterior with Jeffreys' prior, which needs no minimum of either.
    static func shareExceeds(_ share: Double, hits: Double, chances: Double) -> Double {
        guard chances > 0, hits >= 0, hits <= chances else { return 0 }
        return 1 - incompleteBeta(share, hits + 0.5, chances - hits + 0.5)
    }

    /// The chance that the first of two samples has at least `hits` of their `hits` + `otherHits`
    /// hits when both have them equally often: Fisher's exact test, one side.
    static func fisherTail(hits: Int, of count: Int, otherHits: Int, of otherCount: Int) -> Double {
        guard hits >= 0, otherHits >= 0, hits <= count, otherHits <= otherCount else { return 1 }
        let all = hits + otherHits
        let most = min(all, count)
        let whole = logChoose(count + otherCount, all)
        var sum = 0.0
        var k = hits
        while k <= most {
            let term = exp(logChoose(count, k) + logChoose(otherCount, all - k) - whole)
            sum += term
            if term < sum * 1e-12 { break }
            k += 1
        }
        return min(1, sum)
    }

    /// The logarithm of n over k; minus infinity when there is no such choice.
    static func logChoose(_ n: Int, _ k: Int) -> Double {
        guard k >= 0, k <= n else { return -.infinity }
        return logFactorial(n) - logFactorial(k) - logFactorial(n - k)
    }

    private static let logFactorials: [Double] = (0..<1_024).map { logGamma(Double($0) + 1) }

    private static func logFactorial(_ n: Int) -> Double {
        n < logFactorials.count ? logFactorials[n] : logGamma(Double(n) + 1)
    }

    /// The logarithm of the gamma function of a positive number: Stirling's series, far enough out.
    ///
    /// Not the C library's, which writes to a variable that all threads share.
    static func logGamma(_ value: Double) -> Double {
        guard value > 0 else { return .infinity }
        var x = value
        var below = 0.0
        while x < 10 {
            below += log(x)
            x += 1
        }
        let inverse = 1 / x
        let square = inverse * inverse
        let series =
            inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1_260 - square / 1_680)))
        return (x - 0.5) * log(x) - x + 0.5 * log(2 * Double.pi) + series - below
    }

    /// The regularised incomplete beta function: the chance that a Beta(a, b) value is below `x`.
    static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        guard x > 0 else { return 0 }
        guard x < 1 else { return 1 }
        guard a > 0, b > 0 else { return a > 0 ? 1 : 0 }
        // The fraction converges fast below the mean only.
        if x > (a + 1) / (a + b + 2) { return 1 - incompleteBetaBelow(1 - x, b, a) }
        return incompleteBetaBelow(x, a, b)
    }

    private static func incompleteBetaBelow(_ x: Double, _ a: Double, _ b: Double) -> Double {
        let front =
            exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log(1 - x)) / a
        // Lentz' way of evaluating a continued fraction from its front.
        let tiny = 1e-300
        func away(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
        var c = 1.0
        var d = 1 / away(1 - (a + b) * x / (a + 1))
        var fraction = d
        for step in 1...500 {
            let m = Double(step)
            let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1 / away(1 + even * d)
            c = away(1 + even / c)
            fraction *= d * c
            let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / away(1 + odd * d)
            c = away(1 + odd / c)
            let change = d * c
            fraction *= change
            if abs(change - 1) < 1e-12 { break }
        }
        return min(1, max(0, front * fraction))
    }
}
