"""What traced.py has for 3.x only: OpenTelemetry's SDK with its instrumentations, and an asynchronous site."""

import threading

from tests.e2e.harness import wait_for

try:
    import aiohttp
except ImportError:
    aiohttp = None


class OpenTelemetry:
    """The SDK, with everything that its instrumentations know in this process."""

    def start(self, framework):
        from opentelemetry import trace
        from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.instrumentation.flask import FlaskInstrumentor
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
        from opentelemetry.instrumentation.requests import RequestsInstrumentor
        from opentelemetry.instrumentation.urllib import URLLibInstrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        trace.set_tracer_provider(provider)
        for kind in (AioHttpClientInstrumentor, HTTPXClientInstrumentor, RequestsInstrumentor, URLLibInstrumentor):
            kind().instrument()
        if framework != 'django':
            {'flask': FlaskInstrumentor, 'fastapi': FastAPIInstrumentor}[framework]().instrument()

    def instrument_django(self):
        from opentelemetry.instrumentation.django import DjangoInstrumentor

        DjangoInstrumentor().instrument()

    def current(self):
        from opentelemetry import trace

        span = trace.get_current_span().get_span_context()
        return {'trace_id': '%032x' % span.trace_id, 'span_id': '%016x' % span.span_id}

    def spans(self):
        """Kind, span id and parent id of what was exported since the last time."""
        told = []
        for span in self._exporter.get_finished_spans():
            parent = '%016x' % span.parent.span_id if span.parent else ''
            told.append([span.kind.name, '%016x' % span.context.span_id, parent])
        self._exporter.clear()
        return told


def fastapi_site(current, echo):
    import httpx
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()

    @app.get('/ask')
    async def ask():
        async with httpx.AsyncClient() as client:
            await client.get(echo.url + '/httpx')
        if aiohttp is not None:
            async with aiohttp.ClientSession() as session, session.get(echo.url + '/aiohttp') as answer:
                await answer.read()
        return current()

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level='warning'))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, 20, 'uvicorn')
    return server.servers[0].sockets[0].getsockname()[1]
