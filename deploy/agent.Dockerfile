# The agent as an image, with the client tools of PostgreSQL and MariaDB, of the folder that “npm run build” made:
# docs/containers.md.
#   docker build --file deploy/agent.Dockerfile --tag homeport-agent dist/agent
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS program
COPY homeport-agent-linux-x64 homeport-agent-linux-arm64 /programs/
RUN case $(uname -m) in x86_64) kind=x64 ;; aarch64) kind=arm64 ;; *) echo "No agent for $(uname -m)." >&2; exit 1 ;; esac \
  && install --mode 0755 "/programs/homeport-agent-linux-$kind" /homeport-agent

FROM ${BASE}
# Packages of the databases' client tools, of the same version as the servers or newer.
ARG TOOLS="postgresql-client mariadb-client"
# tini collects what tools that were ended leave behind.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates libatomic1 tini ${TOOLS} \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt \
  && useradd --uid 7434 --user-group --no-create-home --home-dir /var/lib/homeport-agent --shell /usr/sbin/nologin homeport-agent \
  && install --directory --owner homeport-agent --group homeport-agent --mode 0700 /var/lib/homeport-agent
COPY --from=program /homeport-agent /usr/local/bin/homeport-agent
ENV HOMEPORT_AGENT_STATE=/var/lib/homeport-agent
USER 7434:7434
VOLUME /var/lib/homeport-agent
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s CMD ["homeport-agent", "status"]
ENTRYPOINT ["tini", "--", "homeport-agent"]
CMD ["run"]
