"""A compiled program as a file of another language: C99, or an ES module of JavaScript, without dependencies."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import copysign, isfinite, prod
from textwrap import wrap

from ..functions import FUNCTIONS, Function, known
from ..symbols import JAVASCRIPT, C, composition, definition, functions
from .batches import Dtype, numpy
from .loops import AFTER, EACH, ONCE, WIDTH, Language, Loops, block
from .statements import ArrayProgram

__all__ = ["c_text", "javascript_functions", "javascript_text"]

# Names reserved in C: keywords and mathematical functions; for a function also names of the other standard headers.
C_NAMES = """auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm size_t INFINITY NAN NULL
acos asin atan atan2 cos sin tan acosh asinh atanh cosh sinh tanh exp exp2 expm1 frexp ilogb ldexp log log10 log1p log2 logb
modf scalbn scalbln cbrt fabs hypot pow sqrt erf erfc lgamma tgamma ceil floor nearbyint rint lrint llrint round lround llround
trunc fmod remainder remquo copysign nan nextafter nexttoward fdim fmax fmin fma isfinite isinf isnan isnormal signbit"""
C_LIBRARY = """main abort abs atexit atof atoi atol atoll bsearch calloc div exit free getenv labs ldiv llabs lldiv malloc mblen
mbstowcs mbtowc qsort rand realloc srand strtod strtof strtol strtold strtoll strtoul strtoull system wcstombs wctomb memchr
memcmp memcpy memmove memset strcat strchr strcmp strcoll strcpy strcspn strerror strlen strncat strncmp strncpy strpbrk strrchr
strspn strstr strtok strxfrm isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit
tolower toupper clearerr fclose feof ferror fflush fgetc fgetpos fgets fopen fprintf fputc fputs fread freopen fscanf fseek fsetpos
ftell fwrite getc getchar gets perror printf putc putchar puts remove rename rewind scanf setbuf setvbuf snprintf sprintf sscanf
tmpfile tmpnam ungetc vfprintf vfscanf vprintf vscanf vsnprintf vsprintf vsscanf signal raise time clock cabs cacos cacosh carg
casin casinh catan catanh ccos ccosh cexp cimag clog conj cpow cproj creal csin csinh csqrt ctan ctanh"""
JAVASCRIPT_NAMES = """await break case catch class const continue debugger default delete do else enum export extends false finally
for function if implements import in instanceof interface let new null package private protected public return static super
switch this throw true try typeof var void while with yield arguments eval undefined NaN Infinity Math Number Array Float64Array
RangeError rows sizes isFinite"""
OWN = "theta gradient cost outputs samples status seed total s i j k p"  # names that the function uses itself
INNER = r"[azdgki]\d+"  # names of its arrays and tables
MOST_TENSORS = 8  # maximum number of tensors listed in the comment


class _C(Language):
    def __init__(self, dtype: Dtype) -> None:
        self.short = dtype == "float32"
        self.real = "float" if self.short else "double"
        self.helpers: dict[str, str] = {}  # name -> definition of a composed function

    def number(self, x: float) -> str:
        if self.short:
            with numpy().errstate(over="ignore"):
                rounded = numpy().float32(x)
            text, x = str(rounded) + "f", float(rounded)
        else:
            text = repr(x)
        if not isfinite(x):
            text = "NAN" if x != x else "INFINITY" if x > 0 else "-INFINITY"
        return f"({text})" if copysign(1.0, x) < 0 else text

    def apply(self, op: str, operands: Sequence[str]) -> str:
        row = known(op, len(operands))
        if row is None or not row.c:
            raise ValueError(_lacks("C", op, len(operands), "c"))
        if row.rule is not None:
            self.helpers[op] = definition(row, C)
            call = _filled(row, [f"(double){x}" if self.short else x for x in operands], str)
            return f"((float){call})" if self.short else call
        return _filled(row, operands, self.float_form if self.short else str)

    def float_form(self, text: str) -> str:
        """Convert an expression in doubles to one in floats."""
        text = re.sub(r"\b([a-z]\w*)\(", r"\1f(", text)
        return re.sub(r"(\b\d+\.\d*(?:e[+-]?\d+)?)", r"\1f", text)

    def loop(self, variable: str, first: int, n: int) -> str:
        return f"for (int {variable} = {first}; {variable} < {n}; {variable}++)"

    def scalar(self, name: str, text: str, constant: bool) -> str:
        return f"{'const ' if constant else ''}{self.real} {name} = {text};"

    def table(self, name: str, numbers: Sequence[float] | Sequence[int]) -> list[str]:
        if name[0] == "k":
            head, texts = f"static const {self.real} {name}[{len(numbers)}]", [self.number(x) for x in numbers]
        else:
            kind = "unsigned short" if max(numbers) < 2**16 else "unsigned long"
            head, texts = f"static const {kind} {name}[{len(numbers)}]", list(map(str, numbers))
        return _listed(f"{head} = {{", texts, "};")


def javascript_functions(row: Function) -> dict[str, str]:
    """Return a function of the table and those that it calls as expressions in JavaScript, by their names."""
    if row.rule is None:
        return {row.name: row.javascript}
    text = definition(row, JAVASCRIPT).strip()
    called = {name: FUNCTIONS[name].javascript for name in sorted(functions(composition(row)))}
    return called | {row.name: text.removeprefix(f"const {row.name} = ").removesuffix(";")}


class _JavaScript(Language):
    def __init__(self) -> None:
        self.helpers: dict[str, str] = {}  # name -> definition of a function that the language lacks

    def number(self, x: float) -> str:
        text = repr(x).removesuffix(".0") if isfinite(x) else "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"
        return f"({text})" if copysign(1.0, x) < 0 else text

    def apply(self, op: str, operands: Sequence[str]) -> str:
        row = known(op, len(operands))
        if row is not None and re.fullmatch(r"[\w.]+", row.javascript):
            return f"{row.javascript}({', '.join(operands)})"
        if row is not None and (row.javascript or row.rule):
            self.helpers |= javascript_functions(row)
            return f"{op}({', '.join(operands)})"
        if row is None or not (row.sign or row.name == "where"):
            raise ValueError(_lacks("JavaScript", op, len(operands), "javascript"))
        return _filled(row, operands, lambda text: text.replace(".0", ""))  # operators are those of C

    def loop(self, variable: str, first: int, n: int) -> str:
        return f"for (let {variable} = {first}; {variable} < {n}; {variable}++)"

    def scalar(self, name: str, text: str, constant: bool) -> str:
        return f"{'const' if constant else 'let'} {name} = {text};"

    def table(self, name: str, numbers: Sequence[float] | Sequence[int]) -> list[str]:
        texts = [self.number(x) for x in numbers] if name[0] == "k" else list(map(str, numbers))
        return _listed(f"const {name} = [", texts, "];")


def c_text(
    program: ArrayProgram, inputs: Mapping[str, int], theta: Sequence[float], gradient: bool, dtype: Dtype, name: str
) -> str:
    """Return a C99 file with a function of this name."""
    _require_name("C", name, f"{C_NAMES} {C_LIBRARY}", r"[A-Za-z]\w*")
    language, spelled = _C(dtype), _spelled(inputs, C_NAMES)
    loops = Loops(program, spelled, gradient, language)
    real, n, outputs = language.real, len(theta), len(program.outputs)
    arguments = [f"const {real} *{x}" for x in ["theta"] * bool(n) + [*spelled.values()]]
    arguments += ["size_t samples"] if inputs else []
    arguments += [f"{real} *{x}" for x in (["cost"] + ["gradient"] * bool(n) if gradient else ["outputs"])]
    head = f"int {name}({', '.join(arguments)})"
    lines = [f"static {real} {array}[{size}];" for array, size in loops.arrays.items()]
    lines += [line for table, numbers in loops.tables.items() for line in language.table(table, numbers)]
    for tensor, whole, start, _ in _tensors(program, loops.used):
        lines.append(f"{'const ' if whole == 'theta' else ''}{real} *{tensor} = {whole} + {start};")
    known_here = loops.used | {whole for _, whole, _, _ in _tensors(program, loops.used)}
    lines += [f"(void){x};" for x in ["theta"] * bool(n) + [*spelled.values()] if x not in known_here]
    if "seed" in loops.used:
        lines.append(f"const {real} seed = {language.number(1.0)} / ({real})samples;")
    if loops.written:
        lines += block(language.loop("p", 0, n), [f"gradient[p] = {language.number(0.0)};"])
    lines += loops.text(ONCE)
    each = loops.text(EACH)
    if inputs and each:
        lines += block("for (size_t s = 0; s < samples; s++)", each)
    elif inputs:
        lines.append("(void)samples;")
    else:
        lines += each
    lines += [*loops.text(AFTER), "int status = 0;"]
    if gradient:
        lines += [f"*cost = {loops.cost};", *block("if (!isfinite(*cost))", ["status = 1;"])]
    results, count = ("gradient", str(n)) if gradient else ("outputs", _times(outputs, "samples" if inputs else ""))
    if count != "0":
        failed = block(f"if (!isfinite({results}[p]))", ["status = 1;"])
        lines += block(f"for (size_t p = 0; p < {count}; p++)", failed)
    lines.append("return status;")
    comment = [
        *_described(program, inputs, spelled, gradient, n, name, f"{head};", f"{name}_theta"),
        "",
        "Returns 0; or 1 where a result is not finite, after an overflow, an undefined operation, or a nan among the",
        "inputs. The results are then as IEEE arithmetic leaves them: do not train with them.",
        "",
        f"It allocates nothing; its static arrays hold {sum(loops.arrays.values())} {real}s, so it must not run in two threads at",
        "once. What it reads and what it writes must not overlap. Compile as C99, without -ffast-math, and link with -lm.",
    ]
    if gradient and n:
        given = ", ".join([f"{name}_theta", *spelled.values(), *(["samples"] if inputs else []), "&cost", "gradient"])
        comment += [
            "",
            "Gradient descent, from the parameters in this file:",
            "",
            f"    extern {real} {name}_theta[{n}];",
            f"    {real} cost, gradient[{n}];",
            "    for (int step = 0; step < 100; step++) {",
            f"        if ({name}({given})) break;",
            f"        for (int p = 0; p < {n}; p++) {name}_theta[p] -= {language.number(0.1)} * gradient[p];",
            "    }",
        ]
    values = [*_listed(f"{real} {name}_theta[{n}] = {{", [language.number(x) for x in theta], "};"), ""] if n else []
    top = [
        "/*",
        *(f"   {line}".rstrip() for line in comment),
        "*/",
        "",
        "#include <math.h>",
        "#include <stddef.h>",
        "",
    ]
    helpers = [line for text in language.helpers.values() for line in (text, "")]
    return "\n".join([*top, *helpers, *values, *block(head, lines), ""])


ROWS = """// Return a batch, an array of rows or of all their numbers, as the latter.
function rows(name, batch, width) {
    const nested = Array.isArray(batch) && typeof batch[0] === "object";
    const flat = batch instanceof Float64Array ? batch : Float64Array.from(nested ? batch.flatMap((row) => [...row]) : batch);
    const even = nested ? batch.every((row) => row.length === width) : flat.length % width === 0;
    if (!even || flat.length === 0) {
        throw new RangeError(`${name} must be rows of ${width} numbers, got ${flat.length} numbers in other rows`);
    }
    return flat;
}
"""


def javascript_text(
    program: ArrayProgram,
    inputs: Mapping[str, int],
    theta: Sequence[float],
    gradient: bool,
    check: bool,
    name: str,
    module: bool,
) -> str:
    """Return an ES module that exports a function of this name, or an expression whose value is the function."""
    _require_name("JavaScript", name, f"{JAVASCRIPT_NAMES} {' '.join(FUNCTIONS)} theta", r"(?!\w\d+$)[A-Za-z_$][\w$]*")
    language, spelled = _JavaScript(), _spelled(inputs, JAVASCRIPT_NAMES)
    loops = Loops(program, spelled, gradient, language)
    n, outputs = len(theta), len(program.outputs)
    once, each, after = (loops.text(section) for section in (ONCE, EACH, AFTER))
    arguments = ["theta"] * bool(n) + [*spelled.values()]
    lines = []
    if n:
        short = f"throw new RangeError(`theta must have {n} numbers, got ${{theta.length}}`);"
        lines += ['theta = rows("theta", theta, 1);', *block(f"if (theta.length !== {n})", [short])]
    for k, (x, width) in enumerate(zip(spelled.values(), inputs.values(), strict=True)):
        lines.append(f'{x} = rows("{x}", {x}, {width});')
        count = f"{x}.length" if width == 1 else f"{x}.length / {width}"
        if k == 0:
            lines.append(f"const samples = {count};")
        else:
            uneven = f"throw new RangeError(`{x} has ${{{count}}} rows, and {arguments[bool(n)]} has ${{samples}}`);"
            lines += block(f"if ({count} !== samples)", [uneven])
    if gradient:
        lines.append(f"const gradient = new Float64Array({n});")
    else:
        lines.append(f"const outputs = new Float64Array({_times(outputs, 'samples' if inputs else '')});")
    for tensor, whole, start, size in _tensors(program, loops.used):
        lines.append(f"const {tensor} = {whole}.subarray({start}, {start + size});")
    if "seed" in loops.used:
        lines.append("const seed = 1 / samples;")
    lines += once
    lines += block("for (let s = 0; s < samples; s++)", each) if inputs and each else each
    lines += after
    if gradient:
        lines.append(f"const cost = {loops.cost};")
    if check:
        results = "Number.isFinite(cost) && gradient" if gradient else "outputs"
        lines += block(
            f"if (!({results}.every(Number.isFinite)))",
            [f'throw new RangeError("{"the cost or its gradient" if gradient else "an output"} is not finite");'],
        )
    lines.append("return { cost, gradient };" if gradient else "return outputs;")
    declaration = f"{name}({', '.join(arguments)})"
    comment = [
        *_described(program, inputs, spelled, gradient, n, name, declaration, "theta"),
        "",
        "A batch is an array of rows, or one Float64Array of their numbers. All numbers are doubles.",
        "A result that is not finite raises a RangeError."
        if check
        else "Results are not checked for nan and infinity.",
    ]
    if gradient and n:
        given = ", ".join(arguments)
        comment += [
            "",
            "Gradient descent, from the parameters in this file:",
            "",
            f"    const {{ cost, gradient }} = {name}({given});",
            "    gradient.forEach((slope, p) => { theta[p] -= 0.1 * slope; });",
        ]
    values = []
    if n and module:
        values = _listed("export const theta = new Float64Array([", [language.number(x) for x in theta], "]);")
    kept = [f"const {helper} = {text};" for helper, text in language.helpers.items()]
    kept += [f"const {array} = new Float64Array({size});" for array, size in loops.arrays.items()]
    kept += [line for table, numbers in loops.tables.items() for line in language.table(table, numbers)]
    helper = [ROWS] if arguments else []
    if not module:
        return "\n".join(["(() => {", *kept, *helper, *block(f"return function {declaration}", lines), "})()"])
    body = [*values, *kept, "", *helper, *block(f"export function {declaration}", lines), ""]
    return "\n".join([*(f"// {line}".rstrip() for line in comment), "", *body])


def _described(
    program: ArrayProgram,
    inputs: Mapping[str, int],
    spelled: Mapping[str, str],
    gradient: bool,
    n: int,
    name: str,
    declaration: str,
    values: str,
) -> list[str]:
    """Return the lines of a comment on the function: its result, and the shapes of its arguments and results."""
    what = "the mean loss over a batch of samples and its gradient" if gradient else "outputs for a batch of samples"
    lines = [f"{name}: {what}, written by gatewise.", "", f"    {declaration}", ""]
    rows: list[tuple[str, str]] = []
    if n:
        rows.append(
            (
                "theta",
                f"{n} parameter{'s' * (n > 1)}, matrices row by row; the array {values} has their numbers at the time of writing",
            )
        )
        tensors = _tensors(program, {leaf.name for leaf in program.leaves})
        shapes = {leaf.name: " x ".join(map(str, leaf.shape)) for leaf in program.leaves}
        for tensor, _, start, size in tensors[:MOST_TENSORS]:
            last = f" to theta[{start + size - 1}]" if size > 1 else ""
            rows.append((f"  {tensor}", f"theta[{start}]{last}: {shapes[tensor]}"))
        if len(tensors) > MOST_TENSORS:
            rows.append(("", f"and {len(tensors) - MOST_TENSORS} further tensors"))
    rows += [
        (spelled[x], f"samples x {size}, row by row" + f"; {x!a}" * (spelled[x] != x)) for x, size in inputs.items()
    ]
    if gradient:
        rows.append(("cost", "the mean loss"))
        rows += [("gradient", f"{n} number{'s' * (n > 1)}, that of theta")] if n else []
    else:
        rows.append(("outputs", f"{'samples x ' if inputs else ''}{len(program.outputs)}, row by row"))
    width = max(len(entry) for entry, _ in rows)
    return [*lines, *(f"{entry:{width}}  {text}" for entry, text in rows)]


def _tensors(program: ArrayProgram, used: set[str]) -> list[tuple[str, str, int, int]]:
    """Return (name, array, start, length) of every used tensor and gradient that is a slice of theta or of `gradient`."""
    found = []
    for leaf in program.leaves:
        size = prod(leaf.shape)
        numbers = program.parameters[leaf.start : leaf.start + size]
        if numbers == list(range(numbers[0], numbers[0] + size)):
            found += [(leaf.name, "theta", numbers[0], size)] if leaf.name in used else []
            found += [(f"d{leaf.name}", "gradient", numbers[0], size)] if f"d{leaf.name}" in used else []
    return found


def _times(n: int, factor: str) -> str:
    return str(n) if not factor else factor if n == 1 else f"{n} * {factor}"


def _spelled(inputs: Mapping[str, int], taken: str) -> dict[str, str]:
    """Return the names of the inputs in a language; an invalid name is replaced by a numbered one."""
    refused = {*taken.split(), *OWN.split(), *FUNCTIONS}
    found: dict[str, str] = {}
    for k, name in enumerate(inputs, 1):
        fits = name.isascii() and name not in refused and not name.startswith("_") and not re.fullmatch(INNER, name)
        spelled = name if fits else f"input{k}"
        while spelled in found.values() or (spelled != name and spelled in inputs):
            spelled += "_"
        found[name] = spelled
    return found


def _require_name(language: str, name: object, taken: str, form: str) -> None:
    """Raise unless `name` is a valid name of a function in the language."""
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, got {name!r}: it is the name of the function in {language}")
    if not re.fullmatch(form, name, re.ASCII):
        raise ValueError(
            f"name must be an identifier of {language}, got {name!r}: write a letter, then letters and digits"
        )
    if name in taken.split():
        raise ValueError(
            f"name must be free in {language}, got {name!r}, which it has a meaning for: write {name}_1, for one"
        )


def _lacks(language: str, op: str, operands: int, column: str) -> str:
    return (
        f"{language} has no xp.{op} of {operands} operand{'s' * (operands > 1)}, which the rule of a gate calls: add a row for it, "
        f"function({op!r}, …, {column}=…), to autograd.functions"
    )


def _filled(row: Function, operands: Sequence[str], form: Callable[[str], str]) -> str:
    """Return the C expression of a row with the operands substituted for a, b and c."""
    places = dict(zip("abc", operands))
    return re.sub(r"\b[abc]\b", lambda found: places[found.group()], form(row.c))


def _listed(head: str, texts: Sequence[str], end: str) -> list[str]:
    """Return the declaration of an array of numbers, wrapped into lines."""
    texts = [text.strip("()") for text in texts]
    line = f"{head}{', '.join(texts)}{end}"
    if len(line) <= WIDTH:
        return [line]
    body = wrap(", ".join(texts), WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
    return [head, *body, end]
