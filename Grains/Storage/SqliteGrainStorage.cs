using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime.Hosting;
using Orleans.Serialization.Serializers;
using Orleans.Storage;
using OrleansChat.Grains.Interfaces;

namespace OrleansChat.Grains.Storage;

/// <summary>Grain state in the data file: one row per storage, state name and grain. A cleared state leaves no row.</summary>
/// <remarks>
/// A call that takes longer than 3 s ends with <see cref="OperationCanceledException"/>, a sync to the disk behind it as <see cref="SqliteFile.SyncAsync"/> says. What became of a write is unknown then; the
/// grain's next write with the old etag is refused if it was kept.
/// </remarks>
internal sealed class SqliteGrainStorage(
    string storage, SqliteFile file, IGrainStorageSerializer serializer, IActivatorProvider activators, TimeProvider time) : IGrainStorage
{
    /// <inheritdoc/>
    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var grain = grainId.ToString();
        var (etag, payload) = await RunAsync(file.ReadAsync, session => Find(session, stateName, grain));
        grainState.ETag = etag;
        grainState.RecordExists = etag is not null;
        grainState.State = payload is null ? New<T>() : serializer.Deserialize<T>(BinaryData.FromBytes(payload));
    }

    /// <inheritdoc/>
    /// <exception cref="InconsistentStateException">Another has written or cleared the state since the grain read it.</exception>
    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var grain = grainId.ToString();
        var payload = serializer.Serialize(grainState.State).ToMemory();
        var etag = Guid.NewGuid().ToString("N");
        await ChangeAsync(stateName, grain, grainState.ETag, session => session.Execute(
            "INSERT OR REPLACE INTO state VALUES (?1, ?2, ?3, ?4, ?5)", storage, stateName, grain, etag, payload));
        grainState.ETag = etag;
        grainState.RecordExists = true;
    }

    /// <inheritdoc/>
    /// <exception cref="InconsistentStateException">Another has written or cleared the state since the grain read it.</exception>
    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var grain = grainId.ToString();
        await ChangeAsync(stateName, grain, grainState.ETag, session => session.Execute(
            "DELETE FROM state WHERE store = ?1 AND name = ?2 AND grain = ?3", storage, stateName, grain));
        grainState.ETag = null;
        grainState.RecordExists = false;
        grainState.State = New<T>();
    }

    private async Task ChangeAsync(string stateName, string grain, string? expected, Func<SqliteSession, int> change)
    {
        var stored = await RunAsync(file.WriteAsync, session =>
        {
            var (etag, _) = Find(session, stateName, grain);
            if (string.Equals(etag, expected, StringComparison.Ordinal))
                change(session);
            return etag;
        });
        await file.SyncAsync();
        if (!string.Equals(stored, expected, StringComparison.Ordinal))
            throw new InconsistentStateException($"The state '{stateName}' of {grain} in '{storage}' was changed by another.", stored ?? "", expected ?? "");
    }

    private (string? Etag, byte[]? Payload) Find(SqliteSession session, string stateName, string grain)
    {
        using var row = session.Query(
            "SELECT etag, payload FROM state WHERE store = ?1 AND name = ?2 AND grain = ?3", storage, stateName, grain);
        return row.Read() ? (row.GetString(0), row.GetFieldValue<byte[]>(1)) : (null, null);
    }

    private async Task<T> RunAsync<T>(Func<Func<SqliteSession, T>, CancellationToken, Task<T>> run, Func<SqliteSession, T> operation)
    {
        using var deadline = new CancellationTokenSource(Deadlines.Store, time);
        return await run(operation, deadline.Token);
    }

    private T New<T>() => activators.GetActivator<T>().Create();
}

/// <summary>Puts grain state into the data file.</summary>
internal static class SqliteGrainStorageHosting
{
    /// <summary>Adds a grain storage that keeps its state in the <see cref="SqliteFile"/> among the silo's services.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="name">The storage's name; storages of different names share nothing.</param>
    public static ISiloBuilder AddSqliteGrainStorage(this ISiloBuilder silo, string name)
    {
        silo.Services.AddGrainStorage(name, (services, storage) => new SqliteGrainStorage(
            storage,
            services.GetRequiredService<SqliteFile>(),
            services.GetRequiredService<IGrainStorageSerializer>(),
            services.GetRequiredService<IActivatorProvider>(),
            services.GetRequiredService<TimeProvider>()));
        return silo;
    }
}
