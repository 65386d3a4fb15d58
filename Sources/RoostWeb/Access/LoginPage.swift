import RoostNet

/// `/login`: where a person shows a token once. Plain HTML without scripts.
enum LoginPage {
    static func response(next: String, isWrong: Bool, isNeeded: Bool) -> Response {
        let note =
            !isNeeded
            ? "<p>No token is configured here: <a href=\"/\">go on</a>.</p>"
            : isWrong ? "<p role=\"alert\">That is none of the tokens.</p>" : ""
        let page = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Roost: log in</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <style>body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem}
            input,button{font:inherit;padding:.4em .6em;width:100%;box-sizing:border-box;margin:.3em 0}</style>
            </head><body><h1>Roost</h1>\(note)
            <form method="post" action="/login"><label>Token
            <input name="token" type="password" autocomplete="current-password" autofocus required>
            </label><input type="hidden" name="next" value="\(escaped(next))">
            <button>Log in</button></form></body></html>

            """
        return Response(
            status: isWrong ? 401 : 200,
            headers: [
                ("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store"),
                (
                    "content-security-policy",
                    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
                        + "frame-ancestors 'none'"
                ),
                ("x-content-type-options", "nosniff"),
            ], body: .bytes(Array(page.utf8)))
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}
