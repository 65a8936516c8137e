{-# LANGUAGE OverloadedStrings #-}
import Control.Exception (catch)
import qualified Data.ByteString.Char8 as B
import Data.List (stripPrefix)
import Network.WebSockets
import Network.WebSockets.Connection (defaultPermessageDeflate)
import System.Environment (getArgs)
import System.IO

main :: IO ()
main = do
  hSetBuffering stdout LineBuffering
  url : more <- getArgs
  let Just rest = stripPrefix "ws://" url
      (host, path) = break (== '/') rest
      (name, port) = break (== ':') host
      options = defaultConnectionOptions
        { connectionCompressionOptions = PermessageDeflateCompression defaultPermessageDeflate }
      headers = [("Sec-WebSocket-Protocol", B.pack protocols) | protocols <- more]
  runClientWith name (read (drop 1 port)) path options headers (\ws -> putStrLn "open -" >> talk ws)
    `catch` refused

refused :: HandshakeException -> IO ()
refused (MalformedResponse (ResponseHead code _ _) _) = putStrLn ("refused " ++ show code)
refused other = putStrLn ("lost " ++ show other)

talk :: Connection -> IO ()
talk ws = loop `catch` ended
  where
    loop = do
      message <- receiveDataMessage ws
      case message of
        Text "close" _ -> sendCloseCode ws 4002 B.empty
        _ -> sendDataMessage ws message
      loop
    ended (CloseRequest code _) = putStrLn ("closed " ++ show code)
    ended other = putStrLn ("closed " ++ show other)
