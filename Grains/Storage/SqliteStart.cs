using Microsoft.Extensions.Hosting;

namespace OrleansChat.Grains.Storage;

/// <summary>
/// Has the data file opened before anything starts, by asking for it: a process that cannot have it ends there and then, instead of running on with grains that
/// cannot be made.
/// </summary>
internal sealed class SqliteStart : IHostedService
{
    public SqliteStart(SqliteFile file) => ArgumentNullException.ThrowIfNull(file);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
