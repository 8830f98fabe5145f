# Both processes of a cluster:  docker build --target silo .   docker build --target front .
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /src
# What decides the packages first, so that a change of code does not fetch them again.
COPY global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY Grains.Interfaces/*.csproj Grains.Interfaces/
COPY Streaming/*.csproj Streaming/
COPY Grains/*.csproj Grains/
COPY Silo/*.csproj Silo/
COPY WebFront/*.csproj WebFront/
COPY Hosting/*.props Hosting/
RUN dotnet restore Silo && dotnet restore WebFront
COPY Grains.Interfaces Grains.Interfaces
COPY Streaming Streaming
COPY Grains Grains
COPY Hosting Hosting
COPY Silo Silo
COPY WebFront WebFront
RUN dotnet publish Silo --no-restore -c Release -o /out/silo && dotnet publish WebFront --no-restore -c Release -o /out/front

FROM mcr.microsoft.com/dotnet/aspnet:10.0 AS process
ENV ASPNETCORE_HTTP_PORTS=8080
USER $APP_UID
WORKDIR /app
# bash speaks TCP itself: the image has no curl.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz/ready HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q '200 OK' <&3"]

FROM process AS silo
COPY --from=build /out/silo .
EXPOSE 8080 11111 30000
ENTRYPOINT ["dotnet", "OrleansChat.Silo.dll"]

FROM process AS front
COPY --from=build /out/front .
EXPOSE 8080
ENTRYPOINT ["dotnet", "OrleansChat.WebFront.dll"]
