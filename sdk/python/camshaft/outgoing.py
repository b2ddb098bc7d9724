"""Sends a complete request over `wasi:http` and receives the complete response.

Only a component with the capability `http` imports this module, because the bindings exist only there.
"""

from urllib.parse import urlsplit

from componentize_py_types import Err, Ok
from wit_world.imports import outgoing_handler, streams
from wit_world.imports import wasi_http_types as wasi

from .http import Request, Response
from .outcome import Reject, Retry
from .text import words

#: Maximum number of bytes of one blocking write; WASI allows no more.
WRITE_BYTES = 4096
#: Number of bytes requested per read.
READ_BYTES = 64 * 1024

METHODS = {
    "GET": wasi.Method_Get,
    "HEAD": wasi.Method_Head,
    "POST": wasi.Method_Post,
    "PUT": wasi.Method_Put,
    "DELETE": wasi.Method_Delete,
    "OPTIONS": wasi.Method_Options,
    "PATCH": wasi.Method_Patch,
}
SCHEMES = {"http": wasi.Scheme_Http, "https": wasi.Scheme_Https}


def send(request: Request) -> Response:
    """Sends the request. Raises `Reject` if the request is not valid, and `Retry` if no response was received. A
    request that no rule allows is also a retry, because the operator may add a rule."""
    outgoing = _outgoing(request)
    body = outgoing.body()
    try:
        answer = outgoing_handler.handle(outgoing, None)
        _write(body, request.body)
        with answer.subscribe() as arrival:
            arrival.block()
        match answer.get():
            case Ok(Ok(response)):
                return _received(response)
            case Ok(Err(code)):
                raise Err(code)
            case _:
                raise Retry("no response was received")
    except Err as error:
        raise Retry(f"{request.method} {request.url} failed: {_said(error.value)}") from None


def _outgoing(request: Request) -> wasi.OutgoingRequest:
    try:
        url = urlsplit(request.url)
    except ValueError as error:
        raise Reject(f'URL "{request.url}" is not valid: {error}') from None
    if url.scheme not in SCHEMES:
        raise Reject(f'URL "{request.url}" does not start with https:// or http://')
    path = (url.path + (f"?{url.query}" if url.query else "")) or None
    method = METHODS.get(request.method)
    try:
        named = dict(request.headers)
        if request.body:
            # Without this header the body is sent in chunks, which simple receivers do not read.
            named.setdefault("content-length", str(len(request.body)))
        headers = wasi.Fields.from_list([(name, value.encode()) for name, value in named.items()])
        outgoing = wasi.OutgoingRequest(headers)
        outgoing.set_method(method() if method else wasi.Method_Other(request.method))
        outgoing.set_scheme(SCHEMES[url.scheme]())
        outgoing.set_authority(url.netloc)
        outgoing.set_path_with_query(path)
    except Err as error:
        why = f": {_said(error.value)}" if error.value is not None else ""
        raise Reject(f"{request.method} {request.url} cannot be sent{why}") from None
    return outgoing


def _write(body: wasi.OutgoingBody, data: bytes) -> None:
    try:
        with body.write() as stream:
            for start in range(0, len(data), WRITE_BYTES):
                stream.blocking_write_and_flush(data[start : start + WRITE_BYTES])
    except Err as error:
        # The receiver stopped reading the body. The response, or its absence, decides the outcome.
        if isinstance(error.value, streams.StreamError_Closed):
            return
        raise
    wasi.OutgoingBody.finish(body, None)


def _received(response: wasi.IncomingResponse) -> Response:
    headers: dict[str, str] = {}
    for name, value in response.headers().entries():
        text = value.decode(errors="replace")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    body = bytearray()
    with response.consume() as incoming, incoming.stream() as stream:
        try:
            while True:
                body += stream.blocking_read(READ_BYTES)
        except Err as error:
            if not isinstance(error.value, streams.StreamError_Closed):
                raise
    return Response(response.status(), headers, bytes(body))


def _said(code: object) -> str:
    """The text of a WASI error, for people."""
    match code:
        case wasi.ErrorCode_HttpRequestDenied():
            return "no rule in the operator's file allows it"
        case wasi.ErrorCode_InternalError(reason) if reason:
            return reason
        case streams.StreamError_LastOperationFailed(error):
            return error.to_debug_string()
        case _:
            return words(type(code).__name__.rpartition("_")[2])
