# The control plane as an image, of the folder that “npm run build:control-plane” made: docs/containers.md.
#   docker build --file deploy/control-plane.Dockerfile --tag homeport dist/control-plane
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS program
COPY . /opt/homeport
# Whatever umask it was built with.
RUN chmod -R u=rwX,go=rX /opt/homeport

FROM ${BASE}
# rclone is for vaults on SFTP servers and other remotes. Its companion process outlives it for a moment, and Node collects
# nobody but its own children: tini does.
ARG PACKAGES="rclone"
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates libatomic1 tini ${PACKAGES} \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt \
  && useradd --uid 7433 --user-group --no-create-home --home-dir /var/lib/homeport --shell /usr/sbin/nologin homeport \
  && install --directory --owner homeport --group homeport --mode 0700 /var/lib/homeport \
  && ln -s /opt/homeport/control-plane/homeport /usr/local/bin/homeport
COPY --from=program /opt/homeport /opt/homeport
ENV HOMEPORT_DATA=/var/lib/homeport HOMEPORT_HOST=0.0.0.0 NODE_COMPILE_CACHE=/tmp/homeport
USER 7433:7433
VOLUME /var/lib/homeport
EXPOSE 7433
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["homeport", "healthy"]
ENTRYPOINT ["tini", "--"]
CMD ["/opt/homeport/node_modules/.bin/node", "/opt/homeport/control-plane/main.ts"]
