#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds 'kedge verify commit' against git's own verdict, for every commit and tag of real clones.

Run by hand, for it needs clones: tests/oracle/commits.py --kedge build/reconciler/kedge CLONE...

The keys are found in the signatures themselves. From them lists of allowed signers are made, one a
round: all keys, every other key, all but revoked ones, then lines as people might write them, drawn
at random. In each round both judge every object that has an SSH signature. At last both judge
objects that were changed a little. Nothing is written to the clones, nor fetched. A verdict that
differs ends the run with status 1, except where kedge is strict and says so (STRICT).
"""
import argparse
import base64
import collections
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import threading
import zlib

ENVIRONMENT = dict(os.environ, TZ="UTC", LC_ALL="C", GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1",
                   GIT_NO_REPLACE_OBJECTS="1")
ARMOR = re.compile(rb"-----BEGIN SSH SIGNATURE-----\s(.*?)-----END SSH SIGNATURE-----", re.S)
OURS = ("ssh-ed25519", "sk-ssh-ed25519@openssh.com")
# What kedge refuses although git may accept it: the reason, and words of the message.
STRICT = [
    ("unsupported", "unsupported key type"),
    ("unsupported", "OpenPGP or X.509"),
    ("malformed", "two signatures"),
    ("malformed", "NUL byte"),
    ("malformed", "none that Git has"),
    ("malformed", "names no person and time"),
    ("malformed", "something stands behind it"),
    ("malformed", "a signature among its headers"),
    ("limit", "bytes, at most"),
]

Object = collections.namedtuple("Object", "id kind data email at format key")


def run(command, text=None):
    return subprocess.run(command, input=text, capture_output=True, env=ENVIRONMENT, check=False)


def git(repo, *words, text=None):
    return run(["git", "-C", repo, "-c", "gpg.program=false", "-c", "gpg.x509.program=false", *words], text)


def take_string(data, at):
    size = int.from_bytes(data[at:at + 4], "big")
    return data[at + 4:at + 4 + size]


def read_key(signature):
    """'type base64' of the public key within an SSH signature, or None where there is none to be had."""
    try:
        key = take_string(base64.b64decode(b"".join(signature.split())), 10)
        return take_string(key, 0).decode("ascii") + " " + base64.b64encode(key).decode()
    except ValueError:
        return None


def read_object(name, kind, data):
    head, _, message = data.partition(b"\n\n")
    signed = head.find(b"\ngpgsig ") if kind == "commit" else message.find(b"-----BEGIN ")
    text = (head if kind == "commit" else message)[signed:] if signed >= 0 else b""
    armor = ARMOR.search(text.replace(b"\n ", b"\n")) if b"BEGIN SSH SIGNATURE" in text else None
    person = re.search(rb"^(?:committer|tagger) .*?<([^>\n]*)>.*> *(\d+)", head, re.M)
    email = person[1].decode("ascii", "replace") if person else ""
    form = "ssh" if armor else "other" if signed >= 0 and (kind == "commit" or b" SIGN" in text) else "none"
    return Object(name, kind, data, email if re.fullmatch(r"[!-~]+", email) else "nobody",
                  int(person[2]) if person else 0, form, read_key(armor[1]) if armor else None)


def read_objects(repo):
    ids = git(repo, "rev-list", "--all").stdout.split()
    refs = git(repo, "for-each-ref", "--format=%(objectname) %(objecttype)").stdout.splitlines()
    ids += [line.split()[0] for line in refs if line.endswith(b" tag")]
    command = ["git", "-C", repo, "cat-file", "--batch", "--buffer"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as reader:
        def ask():
            reader.stdin.write(b"\n".join(ids) + b"\n")
            reader.stdin.close()
        threading.Thread(target=ask).start()
        while head := reader.stdout.readline():
            name, kind, size = head.decode().split()
            data = reader.stdout.read(int(size))
            reader.stdout.read(1)
            yield read_object(name, kind, data)


def their_verdicts(repo, objects, signers, revoked):
    """{id: accepted} by git."""
    config = ["-c", "gpg.ssh.allowedSignersFile=" + signers]
    config += ["-c", "gpg.ssh.revocationFile=" + revoked] if revoked else []
    commits = "\n".join(o.id for o in objects if o.kind == "commit")
    log = git(repo, *config, "log", "--no-walk=unsorted", "--stdin", "--format=%H %G?", text=commits.encode())
    verdicts = {line[:40]: line[41:] == "G" for line in log.stdout.decode().splitlines()}
    for tag in (o for o in objects if o.kind == "tag"):
        verdicts[tag.id] = git(repo, *config, "verify-tag", tag.id).returncode == 0
    return verdicts


def their_verdicts_apart(repo, objects, signers):
    """As their_verdicts, each asked alone: 'git log' gives up at an object that is damaged."""
    config = ["-c", "gpg.ssh.allowedSignersFile=" + signers]
    return {o.id: git(repo, *config, "verify-" + o.kind, o.id).returncode == 0 for o in objects}


def our_verdicts(kedge, repo, objects, signers, revoked=None):
    command = [kedge, "verify", "commit", "--repo", repo, "--allowed-signers", signers]
    command += ["--revoked", revoked] if revoked else []
    answer = run(command, "\n".join(o.id for o in objects).encode())
    if answer.returncode not in (0, 1) or answer.stderr:
        sys.exit("kedge ended with %d: %s" % (answer.returncode, answer.stderr.decode()))
    verdicts = {v["subject"]: v for v in map(json.loads, answer.stdout.decode().splitlines())}
    if len(verdicts) != len({o.id for o in objects}):
        sys.exit("kedge gave %d verdicts on %d objects" % (len(verdicts), len(objects)))
    return verdicts


def is_strict(verdict):
    return any(verdict["reason"] == reason and words in verdict["message"] for reason, words in STRICT)


def compare(what, objects, ours, theirs):
    """Prints the score; the number of differences that are none of STRICT."""
    score, bad = collections.Counter(), 0
    for o in objects:
        we, they = ours[o.id]["accepted"], theirs.get(o.id)
        if we == they:
            score["accepted" if we else "refused (" + ours[o.id]["reason"] + ")"] += 1
        elif they and is_strict(ours[o.id]):
            score["stricter: " + ours[o.id]["reason"]] += 1
        else:
            bad += 1
            print("DIFFERS: %s %s: git %s, kedge %s: %s" % (o.kind, o.id, they, we, ours[o.id]["message"]))
    print("  %-22s %s" % (what, ", ".join("%d %s" % (n, name) for name, n in sorted(score.items()))), flush=True)
    return bad


def random_time(rng, at):
    seconds = max(86400, at + rng.choice([-1, 0, 1, -3600, 3600, rng.randrange(-10**8, 10**8)]))
    form = rng.choice(["%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m%d%H%M%S", "%Y%m%d%H%M%S"])
    return time.strftime(form, time.gmtime(seconds)) + rng.choice(["", "Z", "Z"])


def random_options(rng, at):
    makers = [
        lambda: 'namespaces="%s"' % rng.choice(["git", "file", "git,file", "g*,!git", "!file,*", "?it", "GIT", "", "git ", "a\\\"b,git"]),
        lambda: 'valid-after="%s"' % random_time(rng, at),
        lambda: 'valid-before="%s"' % random_time(rng, at),
        lambda: "cert-authority",
        lambda: rng.choice(["", "no-such-option", 'namespaces=git', 'valid-after="soon"', 'valid-before=""', 'namespaces="git']),
    ]
    chosen = rng.choices(makers, [4, 4, 4, 1, 1], k=rng.choice([0, 0, 1, 1, 1, 2, 2, 3]))
    text = ",".join(make() for make in chosen)
    return text.upper() if rng.random() < 0.05 else text


def random_principals(rng, email):
    domain = email.partition("@")[2]
    return rng.choice([
        email, email, "*", "*@" + domain, email + ",*", "*," + email, "!%s,*" % email, "*,!" + email, "who," + email,
        "!who," + email, '"%s"' % email, '"%s"' % email.upper(), "?" * len(email), "", ",", "," + email, email + ",,who",
        "!", "a" * 1100 + "," + email, email + "," + "b*" * 600, '"%s who"' % email, "#" + email])


def random_signers(rng, keys):
    lines = []
    for key, (email, at) in keys.items():
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            gap = rng.choice([" ", " ", " ", "\t", "   ", " \t "])
            words = [random_principals(rng, email), random_options(rng, at), key, rng.choice(["", "comment", "# x"])]
            line = rng.choice(["", "", "", " ", "\t"]) + gap.join(word for word in words if word)
            lines.append(line + rng.choice(["", "", "", "\r", " "]))
        lines += rng.choices(["", "# comment", "nonsense", "who " + key[:40], "who ssh-ed25519"], k=rng.choice([0, 0, 0, 1]))
    rng.shuffle(lines)
    return "\n".join(lines) + rng.choice(["\n", ""])


def plain_signers(keys):
    return "".join('%s %s\n' % (email, key) for key, (email, _) in keys.items())


def judge_rounds(kedge, repo, objects, keys, options, folder):
    rng, bad = random.Random(options.seed), 0
    rounds = [("all keys", plain_signers(keys), None),
              ("every other key", plain_signers(dict(list(keys.items())[::2])), None),
              ("every third revoked", plain_signers(keys), "\n".join(list(keys)[::3]) + "\n")]
    for number in range(options.rounds):
        rounds.append(("random lines %d" % (number + 1), random_signers(rng, keys), None))
    for number, (what, text, revoked) in enumerate(rounds):
        names = [os.path.join(folder, name + str(number)) for name in ("signers", "revoked")]
        for name, content in zip(names, (text, revoked or "")):
            with open(name, "w", encoding="ascii") as file:
                file.write(content)
        some = objects if number == 0 else rng.sample(objects, min(len(objects), options.limit))
        list_of_revoked = names[1] if revoked else None
        bad += compare(what, some, our_verdicts(kedge, repo, some, names[0], list_of_revoked),
                       their_verdicts(repo, some, names[0], list_of_revoked))
    return bad


def flip(rng, data):
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]


def within_armor(rng, data, text):
    begin, end = data.find(b"-----BEGIN SSH"), data.find(b"-----END SSH")
    at = rng.randrange(begin, max(end, begin + 1))
    return data[:at] + text + data[at:]


CHANGES = {
    "a bit": flip,
    "a space in the armor": lambda rng, data: within_armor(rng, data, rng.choice([b" ", b"\t", b"\r", b"\v", b"\n ", b"="])),
    "a byte gone": lambda rng, data: (lambda at: data[:at] + data[at + 1:])(rng.randrange(len(data))),
    "a piece twice": lambda rng, data: (lambda a, n: data[:a + n] + data[a:])(rng.randrange(len(data)), rng.randrange(1, 80)),
    "a header before": lambda rng, data: data.replace(b"\ngpgsig ", b"\nencoding x\ngpgsig ", 1),
    "a header behind": lambda rng, data: data.replace(b"\n\n", b"\nx y\n z\n\n", 1),
    "another twin": lambda rng, data: data.replace(b"\ngpgsig ", b"\ngpgsig-sha256 x\n y\ngpgsig ", 1),
    "two signatures": lambda rng, data: data.replace(b"\n\n", b"\ngpgsig x\n\n", 1),
    "lines behind END": lambda rng, data: re.sub(rb"(-----END SSH SIGNATURE-----)\n", rng.choice([b"\\1\n \n", b"\\1 \n", b"\\1\n x\n", b"\\1x\n", b"\\1\n\n"]), data, count=1),
    "lines before BEGIN": lambda rng, data: data.replace(b"-----BEGIN SSH", rng.choice([b" ", b"\n", b"x\n "]) + b"-----BEGIN SSH", 1),
    "CRLF": lambda rng, data: re.sub(rb"gpgsig .*?END SSH", lambda m: m[0].replace(b"\n", b"\r\n"), data, flags=re.S),
    "the date": lambda rng, data: re.sub(rb"(committer .*> )\d+", lambda m: m[1] + str(rng.choice([0, 1, 2**31, 10**11])).encode(), data, count=1),
    "cut": lambda rng, data: data[:rng.randrange(len(data))],
}


def write_object(folder, kind, data):
    """As a loose object, whatever it says."""
    whole = kind.encode() + b" %d\0" % len(data) + data
    name = hashlib.sha1(whole).hexdigest()
    path = os.path.join(folder, "objects", name[:2])
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, name[2:]), "wb") as file:
        file.write(zlib.compress(whole))
    return name


def judge_changed(kedge, repo, objects, keys, options, folder):
    rng, bad = random.Random(options.seed), 0
    scratch = os.path.join(folder, "scratch.git")
    signers = os.path.join(folder, "signers0")
    run(["git", "init", "-q", "--bare", scratch])
    with open(os.path.join(scratch, "objects/info/alternates"), "w", encoding="utf-8") as file:
        store = git(repo, "rev-parse", "--git-path", "objects").stdout.decode().strip()
        file.write(os.path.realpath(os.path.join(repo, store)) + "\n")
    sound = [o for o in objects if o.key and o.key.split()[0] in OURS]
    for what, change in CHANGES.items():
        changed = {}
        for o in rng.choices(sound, k=options.changes) if sound else []:
            data = change(rng, o.data)
            name = write_object(scratch, o.kind, data)
            changed[name] = o._replace(id=name, data=data)
        some = list(changed.values())
        bad += compare("changed: " + what, some, our_verdicts(kedge, scratch, some, signers),
                       their_verdicts_apart(scratch, some, signers)) if some else 0
    return bad


def judge_others(kedge, repo, objects, folder):
    """Objects without an SSH signature: 'unsigned' means that there is none at all."""
    signers, bad = os.path.join(folder, "signers0"), 0
    wanted = {"none": "unsigned", "other": "unsupported"}
    score = collections.Counter()
    ours = our_verdicts(kedge, repo, objects, signers)
    for o in objects:
        reason = ours[o.id]["reason"]
        score[reason] += 1
        if reason != wanted[o.format]:
            bad += not is_strict(ours[o.id])
            print("DIFFERS: %s %s: signature %s, kedge says %s" % (o.kind, o.id, o.format, ours[o.id]))
    print("  %-22s %s" % ("no SSH signature", ", ".join("%d %s" % (n, r) for r, n in sorted(score.items()))), flush=True)
    return bad


def judge_clone(kedge, repo, options):
    objects = list(read_objects(repo))
    signed = [o for o in objects if o.format == "ssh"]
    others = [o for o in objects if o.format != "ssh"]
    keys = {}
    for o in signed:
        if o.key and o.key not in keys:
            keys[o.key] = (o.email, o.at)
    types = collections.Counter(o.key.split()[0] if o.key else "none" for o in signed)
    print("%s: %d objects, %d with SSH signatures by %d keys: %s"
          % (repo, len(objects), len(signed), len(keys), dict(types)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        bad = judge_rounds(kedge, repo, signed, keys, options, folder)
        bad += judge_changed(kedge, repo, signed, keys, options, folder)
        bad += judge_others(kedge, repo, others[:options.others], folder)
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kedge", default="build/reconciler/kedge")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=6, help="of random lines")
    parser.add_argument("--limit", type=int, default=300, help="objects in each round but the first, which takes all")
    parser.add_argument("--changes", type=int, default=40, help="changed objects of each kind")
    parser.add_argument("--others", type=int, default=20000, help="objects without an SSH signature")
    parser.add_argument("clone", nargs="+")
    options = parser.parse_args()
    bad = sum(judge_clone(os.path.realpath(options.kedge), repo, options) for repo in options.clone)
    print("%d verdicts differ" % bad if bad else "the same verdicts")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
