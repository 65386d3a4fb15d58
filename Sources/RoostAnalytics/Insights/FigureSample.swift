/// What a figure was worked out from, where that is a sample of what could have been: the figure
/// would be somewhat different had other runs come.
enum FigureSample: Sendable {
    /// So many of so many.
    case share(hits: Double, of: Double)
    case mean(MeanSample)
    case quantile(Double, of: DurationSample)

    /// How sure it is that the true figure lies over `limit`; nil when it cannot be told.
    func exceeds(_ limit: Double) -> Double? {
        switch self {
        case .share(let hits, let count):
            guard count > 0, hits >= 0, hits <= count else { return nil }
            return Likelihood.shareExceeds(limit, hits: hits, chances: count)
        case .mean(let sample): return sample.exceeds(limit)
        case .quantile(let share, let durations):
            return durations.quantile(share, exceeds: limit)
        }
    }
}

extension InsightCondition {
    /// At least how sure it is that the condition holds for the true figures and not only for the
    /// sample of them that was seen. Nil when it asks for no sampled figure, or for one in another
    /// way than by comparing it with what is counted.
    ///
    /// That two things hold is at least as sure as the first less the doubt about the second; that
    /// one of two does, at least as the surer one.
    func confidence(
        _ figure: @escaping (String) -> Double?,
        _ sample: @escaping (String) -> FigureSample?
    ) -> Double? {
        let certainty = Certainty(condition: self, figure: figure, sample: sample)
        guard figures.contains(where: { sample($0) != nil }) else { return nil }
        return certainty.of(root, negated: false)
    }

    private struct Certainty {
        let condition: InsightCondition
        let figure: (String) -> Double?
        let sample: (String) -> FigureSample?

        func of(_ node: Node, negated: Bool) -> Double? {
            switch node {
            case .not(let inner): return of(inner, negated: !negated)
            case .and(let one, let other), .or(let one, let other):
                guard let a = of(one, negated: negated), let b = of(other, negated: negated)
                else { return nil }
                if case .and = node { return negated ? max(a, b) : max(0, a + b - 1) }
                return negated ? max(0, a + b - 1) : max(a, b)
            case .comparison(let operation, let one, let other):
                return comparison(operation, one, other, negated: negated)
            case .number, .figure, .negative, .calculation: return nil
            }
        }

        private func comparison(
            _ operation: Operation, _ one: Node, _ other: Node, negated: Bool
        ) -> Double? {
            let isOver: Bool
            let (left, right) = (sampled(one), sampled(other))
            switch operation {
            case .more, .atLeast: isOver = true
            case .less, .atMost: isOver = false
            default: return isSampled(one) || isSampled(other) ? nil : known(negated)
            }
            func known(_ negated: Bool) -> Double? {
                // What is not known does not make anything surer.
                guard
                    let isTrue = condition.truth(.comparison(operation, one, other), figure)
                else { return 0 }
                return isTrue != negated ? 1 : 0
            }
            if let left, !isSampled(other) {
                guard let limit = condition.value(other, figure) else { return 0 }
                return left.exceeds(limit).map { isOver != negated ? $0 : 1 - $0 }
            }
            if let right, !isSampled(one) {
                guard let limit = condition.value(one, figure) else { return 0 }
                return right.exceeds(limit).map { isOver != negated ? 1 - $0 : $0 }
            }
            return isSampled(one) || isSampled(other) ? nil : known(negated)
        }

        private func sampled(_ node: Node) -> FigureSample? {
            if case .figure(let name) = node { return sample(name) }
            return nil
        }

        private func isSampled(_ node: Node) -> Bool {
            switch node {
            case .number: false
            case .figure(let name): sample(name) != nil
            case .negative(let inner), .not(let inner): isSampled(inner)
            case .calculation(_, let one, let other), .comparison(_, let one, let other),
                .and(let one, let other), .or(let one, let other):
                isSampled(one) || isSampled(other)
            }
        }
    }
}
