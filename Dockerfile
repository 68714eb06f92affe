# syntax=docker/dockerfile:1

# The image brings what librdkafka and OpenSSL are built with: a C++ compiler, make and perl.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive the layer, so a changed line of ours does not build every dependency again.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin inq && cp target/release/inq /usr/local/bin/inq

FROM debian:bookworm-slim
# The authorities that TLS to Kafka is checked against: the OpenSSL inside the binary has none of its own.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin inq
COPY --from=build /usr/local/bin/inq /usr/local/bin/inq

# Where settings files are looked for.
WORKDIR /etc/inq
USER inq

# Reachable from outside the container. On any address but loopback the service asks for INQ_HTTP__TOKEN, which has no
# default.
ENV INQ_HTTP__LISTEN=0.0.0.0:8080 INQ_LOG__FORMAT=json
EXPOSE 8080

# bash speaks HTTP well enough to spare the image a client.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${INQ_HTTP__LISTEN##*:} && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]

ENTRYPOINT ["inq"]
CMD ["run"]
