# SPDX-License-Identifier: Apache-2.0
"""Ed25519 where implementations part ways, held against the definition and against ssh-keygen.

The cases are those of "Taming the Many EdDSAs" (Chalkias, Garillot, Nikolaenko; SSR 2020): keys and
commitments of small and mixed order, in canonical encoding and not, and scalars beyond the order of
the group. They are made here, from the curve's arithmetic, as signatures of `ssh-keygen -Y sign`.
kedge must decide as `is_strict` below does, and never accept what ssh-keygen refuses.
usage: edges.py KEDGE
"""
import base64
import hashlib
import os
import subprocess
import sys
import tempfile

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
NEUTRAL = (0, 1)


def add_projective(a, b):
    """Complete addition of (X, Y, Z), where x = X/Z and y = Y/Z (Bernstein and Lange 2007)."""
    z = a[2] * b[2] % P
    x, y = a[0] * b[0] % P, a[1] * b[1] % P
    zz, e = z * z % P, D * x * y % P
    f, g = zz - e, zz + e
    cross = (a[0] + a[1]) * (b[0] + b[1]) - x - y
    return z * f * cross % P, z * g * (y + x) % P, f * g % P


def add(a, b):
    x, y, z = add_projective((*a, 1), (*b, 1))
    inverse = pow(z, P - 2, P)
    return x * inverse % P, y * inverse % P


def multiply(scalar, point):
    result, power = (0, 1, 1), (*point, 1)
    while scalar:
        if scalar & 1:
            result = add_projective(result, power)
        power = add_projective(power, power)
        scalar >>= 1
    inverse = pow(result[2], P - 2, P)
    return result[0] * inverse % P, result[1] * inverse % P


def find_x(y, sign):
    """RFC 8032 5.1.3, but for the encodings that it refuses: any y below 2^255, and -0."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    return x if x % 2 == sign else -x % P


def encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decode(text):
    number = int.from_bytes(text, "little")
    y = number % 2**255
    x = find_x(y % P, number >> 255)
    return None if x is None else (x, y % P)


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def find_torsion():
    """The eight points whose order divides eight; the second has order eight."""
    y = 2
    while True:
        x = find_x(y, 0)
        point = multiply(L, (x, y)) if x is not None else NEUTRAL
        if multiply(4, point) != NEUTRAL:
            return [multiply(i, point) for i in range(8)]
        y += 1


TORSION = find_torsion()


def spellings(point):
    """Every 32 bytes that decode to this point, the canonical ones first."""
    found = [encode(point)]
    for y in range(point[1], 2**255, P):
        for sign in (0, 1):
            text = (y | sign << 255).to_bytes(32, "little")
            if decode(text) == point and text not in found:
                found.append(text)
    return found


def hash_of(commitment, key, message):
    return int.from_bytes(hashlib.sha512(commitment + key + message).digest(), "little") % L


def is_strict(key, signature, message):
    """RFC 8032 5.1.7 without the cofactor; no other spelling of anything, no small order."""
    scalar = int.from_bytes(signature[32:], "little")
    points = [decode(key), decode(signature[:32])]
    for point, text in zip(points, (key, signature[:32])):
        if point is None or encode(point) != text or multiply(8, point) == NEUTRAL:
            return False
    k = hash_of(signature[:32], key, message)
    return scalar < L and multiply(scalar, BASE) == add(points[1], multiply(k, points[0]))


def string(text):
    return len(text).to_bytes(4, "big") + text


def message_of(content):
    """What ssh-keygen signs of a file (PROTOCOL.sshsig)."""
    return b"SSHSIG" + string(b"file") + string(b"") + string(b"sha512") + string(hashlib.sha512(content).digest())


def armor(key, signature):
    blob = b"SSHSIG" + (1).to_bytes(4, "big") + string(string(b"ssh-ed25519") + string(key)) + string(b"file")
    blob += string(b"") + string(b"sha512") + string(string(b"ssh-ed25519") + string(signature))
    text = base64.encodebytes(blob).decode()
    return "-----BEGIN SSH SIGNATURE-----\n" + text + "-----END SSH SIGNATURE-----\n"


SECRET, NONCE = (int.from_bytes(hashlib.sha512(word).digest(), "little") % L for word in (b"secret", b"nonce"))
PUBLIC, COMMITTED = multiply(SECRET, BASE), multiply(NONCE, BASE)


def sign(name, passes, key, commitment):
    """A signature on the first content where it passes without the cofactor, or does not. Key and
    commitment are each ("point", i): an honest point plus TORSION[i]; or the bytes of TORSION[i] in
    some spelling, and i."""
    a = encode(add(PUBLIC, TORSION[key[1]])) if key[0] == "point" else key[0]
    r = encode(add(COMMITTED, TORSION[commitment[1]])) if commitment[0] == "point" else commitment[0]
    for content in ((name + " " + str(i)).encode() for i in range(10000)):
        k = hash_of(r, a, message_of(content))
        if ((commitment[1] + k * key[1]) % 8 == 0) == passes:
            scalar = (NONCE if commitment[0] == "point" else 0) + k * (SECRET if key[0] == "point" else 0)
            return name, a, r + (scalar % L).to_bytes(32, "little"), content
    raise AssertionError(name)


def cases():
    honest = sign("an honest signature", True, ("point", 0), ("point", 0))
    yield honest
    _, key, signature, content = honest
    for i in range(1, 16):
        scalar = int.from_bytes(signature[32:], "little") + i * L
        if scalar < 2**256:
            yield "S + %d L" % i, key, signature[:32] + scalar.to_bytes(32, "little"), content
    yield "S all ones", key, signature[:32] + b"\xff" * 32, content
    yield "all zero", bytes(32), bytes(64), content
    yield "a zero signature", key, bytes(64), content
    yield "the neutral element's signature", key, encode(NEUTRAL) + bytes(32), content
    for i, torsion in enumerate(TORSION):
        for n, text in enumerate(spellings(torsion)):
            name = " of small order %d, spelling %d" % (i, n)
            yield sign("key" + name, True, (text, i), ("point", 0))
            yield sign("both" + name, True, (text, i), (encode(TORSION[-i % 8]), -i % 8))
            yield sign("commitment" + name, True, ("point", 1), (text, i))
    for i in range(1, 8):
        for passes in (True, False):
            name = " mixed %d, %s" % (i, "cofactorless" if passes else "cofactored")
            yield sign("key" + name, passes, ("point", i), ("point", 0))
            yield sign("both" + name, passes, ("point", i), ("point", i))
        yield sign("commitment mixed %d" % i, False, ("point", 0), ("point", i))
    for y in range(P, 2**255):
        for sign_bit in (0, 1):
            text = (y | sign_bit << 255).to_bytes(32, "little")
            yield "y = p + %d, sign %d" % (y - P, sign_bit), text, encode(NEUTRAL) + bytes(32), content
    yield "a key off the curve", (2).to_bytes(32, "little"), signature, content


def accepts(command, content):
    status = subprocess.run(command, input=content, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    if status not in (0, 1, 255):
        sys.exit("%s ended with %d" % (command[0], status))
    return status == 0


def main(kedge):
    count = stricter = accepted = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, key, signature, content in cases():
            for path, text in (("signers", "ann ssh-ed25519 " + base64.b64encode(string(b"ssh-ed25519") + string(key)).decode() + "\n"),
                               ("signature", armor(key, signature)), ("file", content.decode())):
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
            ours = accepts([kedge, "verify", "ssh", "--allowed-signers", "signers", "--identity", "ann", "--namespace", "file",
                            "--signature", "signature", "file"], b"")
            theirs = accepts(["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "ann", "-n", "file", "-s", "signature"], content)
            if ours != is_strict(key, signature, message_of(content)) or (ours and not theirs):
                sys.exit("FAILED: %s: %s here, %s from ssh-keygen" % (name, ours, theirs))
            count += 1
            accepted += ours
            stricter += theirs and not ours
    assert accepted and stricter
    print("all as it should be, %d cases: %d accepted; ssh-keygen takes %d more" % (count, accepted, stricter))


if __name__ == "__main__":
    main(os.path.realpath(sys.argv[1]))
