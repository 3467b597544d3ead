"""Two people want the last pieces at the same time: one yes, one no, whatever the database."""
import threading
import time


def last_one_goes_once(rig, rounds, equipment, part="pump-15-60", depot="depot-1"):
    """Two connections ask for all that lies there, again and again; whoever has it lets it go before the next round."""
    count = sum(r["count"] - r["reserved"] for r in rig.get(f"/stock?part={part}&depot={depot}")["items"])
    due = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    answers, gate, seen = [None, None], threading.Barrier(2), set()

    def book(n, round_):
        gate.wait()
        answers[n] = rig.call("POST", "/api/v1/vouchers", {"kind": "loan", "part": part, "depot": depot, "count": count, "due": due,
                                                           "equipment": equipment[n], "id": f"race-{round_}-{n}"})

    for round_ in range(rounds):
        threads = [threading.Thread(target=book, args=(n, round_)) for n in range(2)]
        [t.start() for t in threads], [t.join() for t in threads]
        assert sorted(status for status, _ in answers) == [201, 409], (round_, answers)
        winner = next(n for n in range(2) if answers[n][0] == 201)
        assert part in answers[1 - winner][1]["detail"], answers
        racks = rig.get(f"/stock?part={part}&depot={depot}")["items"]
        assert sum(r["count"] - r["reserved"] for r in racks) == 0, racks
        seen.add(winner)
        status, body = rig.call("POST", f"/api/v1/vouchers/{answers[winner][1]['number']}/actions", {"action": "cancel", "id": f"over-{round_}"})
        assert status == 200, body
        assert sum(r["count"] - r["reserved"] for r in rig.get(f"/stock?part={part}&depot={depot}")["items"]) == count
    return seen
