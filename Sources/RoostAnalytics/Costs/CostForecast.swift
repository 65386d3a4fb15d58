import Glibc

/// What a month will have cost when it ends.
///
/// Each day that is still to come is expected to cost the mean of the complete days of the last
/// four weeks; once two weeks are known, the mean of the same days of the week. The interval holds
/// the true sum with 95 % probability if days go on as they did: Student's t with the days' own
/// variance, for what is to come and for the means themselves.
public struct CostForecast: Sendable, Equatable {
    public enum Method: String, Sendable {
        case mean
        case weekdayMeans = "weekday_means"
    }

    public let method: Method
    /// Complete days it is made from.
    public let days: Int
    /// USD.
    public let monthToDate: Double
    public let projected: Double
    public let low: Double
    public let high: Double
    /// USD of an average day.
    public let perDay: Double

    /// Fewer complete days say too little.
    public static let fewestDays = 3
    private static let mostDays = 28
    private static let fewestForWeekdays = 14

    /// Nil where too little is known.
    ///
    /// - Parameters:
    ///   - totals: USD of complete days, each with its number since 1970.
    ///   - today: the number of the running day.
    ///   - passed: the share of it that is over.
    ///   - remaining: days of the month after today.
    init?(
        totals: [(day: UInt32, cost: Double)], today: UInt32, passed: Double, remaining: Int,
        monthToDate: Double
    ) {
        let known = totals.filter {
            $0.day < today && today - $0.day <= UInt32(CostForecast.mostDays)
        }
        guard known.count >= CostForecast.fewestDays else { return nil }
        let byWeekday =
            known.count >= CostForecast.fewestForWeekdays
            && Set(known.map { $0.day % 7 }).count == 7
        let groups = byWeekday ? 7 : 1
        let group: (UInt32) -> Int = { byWeekday ? Int($0 % 7) : 0 }

        var counts = [Double](repeating: 0, count: groups)
        var sums = [Double](repeating: 0, count: groups)
        for (day, cost) in known {
            counts[group(day)] += 1
            sums[group(day)] += cost
        }
        let means = zip(sums, counts).map { $0 / $1 }
        let squares = known.reduce(0) { $0 + pow($1.cost - means[group($1.day)], 2) }
        let freedom = Double(known.count - groups)

        // Days to come of each group, the rest of today among them.
        var coming = [Double](repeating: 0, count: groups)
        coming[group(today)] += max(0, min(1, 1 - passed))
        for ahead in 0..<max(0, min(31, remaining)) {
            coming[group(today &+ UInt32(ahead) &+ 1)] += 1
        }
        let expected = zip(coming, means).reduce(0) { $0 + $1.0 * $1.1 }
        let spread = zip(coming, counts).reduce(0) { $0 + $1.0 + $1.0 * $1.0 / $1.1 }
        let margin =
            (squares / freedom * spread).squareRoot() * CostForecast.studentQuantile(freedom)

        method = byWeekday ? .weekdayMeans : .mean
        days = known.count
        self.monthToDate = monthToDate
        projected = monthToDate + expected
        low = max(monthToDate, projected - margin)
        high = projected + margin
        perDay = known.reduce(0) { $0 + $1.cost } / Double(known.count)
    }

    /// The value that Student's t with so many degrees of freedom exceeds in 2.5 of 100 cases.
    static func studentQuantile(_ freedom: Double) -> Double {
        var (low, high) = (1.9, 13.0)
        for _ in 0..<40 {
            let middle = (low + high) / 2
            if Likelihood.studentTail(middle, freedom: freedom) > 0.025 {
                low = middle
            } else {
                high = middle
            }
        }
        return (low + high) / 2
    }
}

/// Days of the calendar, which is UTC's.
enum CostCalendar {
    /// Year and month, and the number of the month's first day and of the next month's.
    static func month(of day: UInt32) -> (year: Int, month: Int, first: UInt32, next: UInt32) {
        var first = 0
        var year = 1970
        while true {
            let length = isLeap(year) ? 366 : 365
            if Int(day) < first + length || year >= 9999 { break }
            first += length
            year += 1
        }
        for month in 1...12 {
            let length = lengthOfMonth(month, year)
            if Int(day) < first + length || month == 12 {
                return (year, month, UInt32(first), UInt32(first + length))
            }
            first += length
        }
        return (year, 12, day, day &+ 1)
    }

    private static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func lengthOfMonth(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
