/// Which user an activity belongs to, for labels.
extension AgentTracker {
    /// From now on users are told by hashes under this key, or not at all. Series of users that were
    /// counted stay: a counter never falls.
    mutating func labelUsers(key: [UInt8]?) {
        users = key.map { UserLabels(key: $0) }
        if users != nil { metrics.showsUsers = true }
        open.labelUsers(users != nil)
        closed.forgetRuns()
    }

    /// Notes whose an activity is.
    @inline(never)
    mutating func noteUser(_ index: Int32, _ activity: Activity, _ batch: ActivityBatch) {
        guard !activity.user.isEmpty else { return }
        // Most come from the same user, and a batch holds the id of the one before once.
        if activity.user != labelledUser.text {
            labelledUser = (activity.user, userNumber(batch.bytes(activity.user)))
        }
        open.setUser(index, labelledUser.number)
    }

    mutating func userNumber(_ user: ArraySlice<UInt8>) -> Int32 {
        users?.number(of: user, most: settings.seriesLimit.most, &metrics.texts)
            ?? TextTable.none
    }

    /// The user that a node belongs to: its own word, else the nearest above, else the only one that
    /// its trace tells of.
    @inline(__always)
    func user(of index: Int32) -> Int32 {
        users == nil ? TextTable.none : findUser(of: index)
    }

    @inline(never)
    private func findUser(of index: Int32) -> Int32 {
        var place = index
        var steps = 0
        while place >= 0, steps < Self.deepest {
            let user = open.user(of: place)
            if user != TextTable.none { return user }
            place = open.nodes[Int(place)].parent
            steps += 1
        }
        let only = open.traces[Int(open.nodes[Int(index)].trace)].user
        return only == AgentTrace.severalUsers ? TextTable.none : only
    }
}

extension AgentTrace {
    /// In place of the number of a text.
    static let severalUsers: Int32 = -2
}
