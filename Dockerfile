# The worker and the emulator as images: `docker build --target worker .`, `--target emulator .`.
#
# Each is one program on `scratch` with the C library that it is linked with: nothing else to
# keep up to date, and nothing to run for whoever breaks in. Needs neither BuildKit nor a
# writable root file system.

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /build
COPY . .
# Without default features the worker has no demo, so neither an emulator nor a downloader is in
# its image; the emulator has no features. What cargo leaves are gigabytes, which the layer does
# without.
RUN cargo build --profile dist --locked --package aep-flow --package aep-emulator --bins \
      --no-default-features \
 && mkdir -p /programs \
 && mv target/dist/aep-flow target/dist/aep-emulator /programs/ \
 && rm -rf target "$CARGO_HOME/registry" \
 && sh deploy/image/common.sh /common /programs/*

FROM scratch AS worker
COPY --from=build /common /
COPY --from=build /programs/aep-flow /usr/local/bin/
COPY LICENSE /
USER 10001:10001
# Where the health check looks, and an orchestrator's probes may.
ENV AEP_FLOW_HEALTH_LISTEN=0.0.0.0:8078
EXPOSE 8078
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/aep-flow", "probe", "http://127.0.0.1:8078/readyz"]
ENTRYPOINT ["/usr/local/bin/aep-flow"]
CMD ["worker"]

FROM scratch AS emulator
COPY --from=build /common /
COPY --from=build /programs/aep-emulator /usr/local/bin/
COPY LICENSE /
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["/usr/local/bin/aep-emulator", "probe", "http://127.0.0.1:8080/_emulator/health"]
ENTRYPOINT ["/usr/local/bin/aep-emulator"]
# The health check asks under /_emulator, which `--control` opens.
CMD ["--ip", "0.0.0.0", "--port", "8080", "--control"]
