"""Bundle adjustment: where a camera sees a point, beside where the point was found, and the error of the point's weight.

The camera is r (3), C (3), f, u0, v0, k1, k2: rotation, centre, focal length, principal point, radial distortion (ADBench).
"""

from typing import Any

from autograd import cos, sin, sqrt

Vector = list[Any]


def dot(a: Vector, b: Vector) -> Any:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def rotate(r: Vector, x: Vector) -> Vector:
    """Rotate x about r by the angle ‖r‖, by Rodrigues' formula."""
    angle = sqrt(dot(r, r))
    c, s, axis = cos(angle), sin(angle), [a / angle for a in r]
    along = dot(axis, x) * (1 - c)
    return [c * a + s * b + along * u for a, b, u in zip(x, cross(axis, x), axis, strict=True)]


def errors(camera: Vector, point: Vector, weight: Any, found: Vector) -> Vector:
    """Return the weighted errors of the projection, in both directions of the image."""
    r, centre, (f, u0, v0, k1, k2) = camera[:3], camera[3:6], camera[6:]
    p = rotate(r, [a - b for a, b in zip(point, centre, strict=True)])
    a, b = p[0] / p[2], p[1] / p[2]
    s = a * a + b * b
    scale = f * (1 + k1 * s + k2 * s * s)
    return [weight * (scale * a + u0 - found[0]), weight * (scale * b + v0 - found[1])]


def weight_error(weight: Any) -> Any:
    return 1 - weight * weight
